"""Asking for an action through the screen: once, with a reason, on what was seen, and never by the proposer alone."""

import json
import re
import threading
import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from opsconsole.console import desk_undo
from opsconsole.console.sums import accepted_spellings, parsed_sum
from orders.models import OperatorAction, Order
from orders.services import desk
from orders.states import OrderVerb
from orders.transitions import lock, move
from tests.console.order_world import asked, fresh, late_order, old, waiting_order
from tests.console.people import World, make_world

HTMX = {"HX-Request": "true"}
CLOSED_PORT = "http://127.0.0.1:9"
LARGE = 6_000_000


@pytest.fixture(autouse=True)
def _nobody_answers(settings: Any) -> None:
    settings.UPSTREAMS = {name: {"url": CLOSED_PORT, "timeout": 1.0, "tries": 1} for name in settings.UPSTREAMS}


def _path(order: Order, name: str) -> str:
    return f"/orders/{order.public_id}/do/{name}/"


def _ask(client: Client, order: Order, name: str = "recheck_payment", **given: Any) -> HttpResponse:
    return client.post(_path(order, name), asked(order, **given), headers=HTMX)


def _toast(answer: HttpResponse) -> str:
    return str(json.loads(answer["HX-Trigger"])["toast"]["text"])


def _refund(order: Order, typed: str = "", **given: Any) -> dict[str, Any]:
    return asked(order, amount=order.amount, typed=typed or str(order.amount), **given)


def test_a_click_asks_for_it_once_and_the_page_is_told_to_look(people: World) -> None:
    order, client, key = waiting_order(), people.client("sari"), uuid.uuid4().hex
    answers = [_ask(client, order, key=key) for _click in range(2)]
    assert {answer.status_code for answer in answers} == {200}
    assert all("order-moved" in answer["HX-Trigger"] for answer in answers)
    action = OperatorAction.objects.get()
    assert (action.actor, action.status, action.expected_version) == ("user:sari", "queued", order.version)


def test_the_key_in_a_safe_form_stays_until_something_was_asked_for(people: World) -> None:
    order, client = waiting_order(), people.client("sari")

    def key() -> str:
        html = client.get(f"/orders/{order.public_id}/").content.decode()
        form = html[html.index(f'action="{_path(order, "recheck_payment")}"') :]
        return form[form.index('name="key" value="') + 18 :][:40]

    first = key()
    assert key() == first
    _ask(client, order, key=first)
    OperatorAction.objects.update(status="not_fixed")
    assert key() != first


def test_a_safe_step_needs_no_words_and_the_others_do(people: World) -> None:
    order, client = waiting_order(), people.client("sari")
    wordless = {"key": uuid.uuid4().hex, "version": order.version}
    assert client.post(_path(order, "cancel_order"), wordless, headers=HTMX).status_code == 422
    assert client.post(_path(order, "cancel_order"), {**wordless, "reason": "  "}, headers=HTMX).status_code == 422
    assert OperatorAction.objects.count() == 0
    assert client.post(_path(order, "recheck_payment"), wordless, headers=HTMX).status_code == 200
    assert "one click" not in client.get(f"/orders/{order.public_id}/").content.decode()


def test_the_second_person_reads_that_it_is_being_done(people: World) -> None:
    order = waiting_order()
    _ask(people.client("sari"), order)
    answer = _ask(people.client("dewi"), order)
    assert "Sari Wulandari" in _toast(answer)
    assert OperatorAction.objects.count() == 1
    assert "It is being done already." in people.client("dewi").get(f"/orders/{order.public_id}/").content.decode()


def test_a_stale_page_does_nothing_and_says_what_is_now(people: World) -> None:
    order = waiting_order()
    stale = asked(order)
    with transaction.atomic():
        move(lock(order), OrderVerb.EXPIRE, actor="policy:expiry")
    answer = people.client("sari").post(_path(order, "cancel_order"), stale, headers=HTMX)
    assert _toast(answer) == "This order changed while you were reading: it is now “Expired”. Nothing was done."
    assert json.loads(answer["HX-Trigger"])["toast"]["tone"] == "failed"
    assert OperatorAction.objects.count() == 0


def test_what_cannot_be_done_is_refused_with_its_reason(people: World) -> None:
    answer = _ask(people.client("sari"), waiting_order(), "retry_booking")
    assert "There is nothing to book" in _toast(answer)
    assert OperatorAction.objects.count() == 0


def test_it_works_without_a_script(people: World) -> None:
    order, client = waiting_order(), people.client("sari")
    page = client.get(_path(order, "cancel_order")).content.decode()
    assert "<!doctype html>" in page
    assert "Keep the order" in page
    answer = client.post(_path(order, "cancel_order"), asked(order), follow=True)
    assert answer.redirect_chain == [(f"/orders/{order.public_id}/", 302)]
    assert "asked for. The result follows here." in answer.content.decode()


@pytest.mark.parametrize("typed", ["212000", "212.000", " Rp 212.000 ", "rp212000"])
def test_a_refund_takes_the_sum_with_or_without_dots(people: World, typed: str) -> None:
    order = late_order(amount=212_000)
    answer = people.client("dewi").post(_path(order, "refund"), _refund(order, typed), headers=HTMX)
    assert answer.status_code == 200
    assert OperatorAction.objects.get().params == {"amount": 212_000}


@pytest.mark.parametrize("typed", ["", "21200", "2120000", "212,000", "212.0.00", "21.2000", "Rp", "212000.00", "x"])
def test_a_refund_refuses_any_other_sum(people: World, typed: str) -> None:
    order = late_order(amount=212_000)
    given = {**_refund(order), "typed": typed}
    answer = people.client("dewi").post(_path(order, "refund"), given, headers=HTMX)
    assert answer.status_code == 422
    assert OperatorAction.objects.count() == 0


@pytest.mark.parametrize(
    ("text", "sum_"),
    [("1234567", 1_234_567), ("1.234.567", 1_234_567), ("Rp\u00a01.234", 1_234), ("12.34", None), ("1,234", None)],
)
def test_a_sum_is_read_in_one_way_or_not_at_all(text: str, sum_: int | None) -> None:
    assert parsed_sum(text) == sum_


def test_the_browser_accepts_what_the_server_accepts() -> None:

    pattern = re.compile(accepted_spellings(1_234_567))
    assert all(pattern.fullmatch(text) for text in ("1234567", "1.234.567", "Rp 1.234.567"))
    assert not any(pattern.fullmatch(text) for text in ("123456", "1.2345.67", "12.345.670"))


@pytest.mark.parametrize(
    ("typed", "said"), [("212.000", "Rp\u00a0212.000"), ("21200", "is not the sum above"), ("2,1", "Digits only")]
)
def test_the_sum_is_echoed_as_it_is_understood(people: World, typed: str, said: str) -> None:
    order = late_order(amount=212_000)
    path = f"/orders/{order.public_id}/do/echo/"
    answer = people.client("sari").get(path, {"typed": typed, "amount": "212000"}, headers=HTMX)
    assert said in answer.content.decode()


def test_more_than_is_held_cannot_be_given_back(people: World) -> None:
    order = late_order(amount=212_000)
    given = asked(order, amount=212_001, typed="212001")
    assert "more than what is held" in _toast(people.client("sari").post(_path(order, "refund"), given, headers=HTMX))
    assert OperatorAction.objects.count() == 0


def test_another_sum_can_be_chosen_before_it_is_typed(people: World) -> None:
    order = late_order(amount=212_000)
    html = people.client("sari").get(_path(order, "refund"), {"amount": "100.000"}, headers=HTMX).content.decode()
    assert "Refund Rp\u00a0100.000" in html
    assert 'pattern="\\s*(?:[Rr][Pp])?\\s*(?:100000|100\\.000)\\s*"' in html


def test_a_refund_of_five_million_waits_for_a_second_person_and_says_so(people: World, settings: Any) -> None:
    order = late_order(amount=settings.SECOND_PERSON_FROM)
    client = people.client("sari")
    assert "Request approval" in client.get(_path(order, "refund"), headers=HTMX).content.decode()
    answer = client.post(_path(order, "refund"), _refund(order), headers=HTMX)
    assert _toast(answer) == "Refund: waits for a second person."
    assert OperatorAction.objects.get().status == "awaiting_approval"
    told = client.get(f"/orders/{order.public_id}/").content.decode()
    assert "It waits for the approval of a second person." in told
    assert "It is being done already." not in told


def test_one_rupiah_less_needs_nobody(people: World, settings: Any) -> None:
    order = late_order(amount=settings.SECOND_PERSON_FROM - 1)
    people.client("sari").post(_path(order, "refund"), _refund(order), headers=HTMX)
    assert OperatorAction.objects.get().status == "queued"


def test_a_link_that_was_made_is_shown_with_a_copy_and_a_code_without_inline_style(people: World) -> None:
    order = waiting_order()
    _ask(people.client("sari"), order, "make_link", gateway="midtrans")
    link = "https://pay.example/2"
    OperatorAction.objects.update(status="fixed", outcome=link, finished_at=timezone.now(), due_at=None)
    html = people.client("sari").get(f"/orders/{order.public_id}/").content.decode()
    assert f'data-copy="{link}"' in html
    assert 'class="qr"' in html
    assert "style=" not in html


def test_a_running_action_is_looked_at_again_soon_and_a_finished_one_is_not(people: World) -> None:
    order, client = waiting_order(), people.client("sari")
    _ask(client, order)
    path = f"/orders/{order.public_id}/"
    assert 'hx-trigger="load delay:700ms"' in client.get(path, headers=HTMX).content.decode()
    OperatorAction.objects.update(status="not_fixed", outcome="midtrans did not answer", finished_at=timezone.now())
    html = client.get(path, headers=HTMX).content.decode()
    assert 'hx-trigger="load delay:700ms"' not in html
    assert "Midtrans did not answer" in html


def test_who_takes_an_order_may_undo_it(people: World) -> None:
    order, client = waiting_order(), people.client("sari")
    token = _token(client.post(f"/orders/{order.public_id}/take/", {"was": ""}, headers=HTMX))
    assert fresh(order).owner == people.users["sari"]
    client.post(f"/orders/{order.public_id}/undo/", {"token": token}, headers=HTMX)
    assert fresh(order).owner is None


def _token(answer: HttpResponse) -> str:
    html = answer.content.decode()
    return html[html.index('name="token" value="') + 20 :].split('"')[0]


def test_a_hold_is_undone_to_the_hold_before(people: World) -> None:
    order, client = waiting_order(), people.client("sari")
    until = timezone.now() + timedelta(hours=5)
    desk.hold(order, until=until, actor="user:dewi", reason="first")
    given = {"span": "1800", "reason": "second"}
    token = _token(client.post(f"/orders/{order.public_id}/hold/", given, headers=HTMX))
    assert fresh(order).hold_reason == "second"
    client.post(f"/orders/{order.public_id}/undo/", {"token": token}, headers=HTMX)
    assert (fresh(order).held_until, fresh(order).hold_reason) == (until, "first")


def test_what_somebody_changed_since_is_not_undone(people: World) -> None:
    order, client = waiting_order(), people.client("sari")
    token = _token(client.post(f"/orders/{order.public_id}/take/", {"was": ""}, headers=HTMX))
    people.client("dewi").post(f"/orders/{order.public_id}/take/", {"was": people.users["sari"].pk}, headers=HTMX)
    answer = client.post(f"/orders/{order.public_id}/undo/", {"token": token}, headers=HTMX)
    assert _toast(answer) == "Somebody has changed it since. Nothing was done."
    assert fresh(order).owner == people.users["dewi"]


class _OldSigner(signing.TimestampSigner):
    """Signs as it did a minute ago."""

    def timestamp(self) -> str:
        return signing.b62_encode(int(time.time()) - 60)


def test_undo_is_over_after_ten_seconds_and_for_everybody_else(people: World) -> None:
    order, client = waiting_order(), people.client("sari")
    path = f"/orders/{order.public_id}/undo/"
    token = _token(client.post(f"/orders/{order.public_id}/take/", {"was": ""}, headers=HTMX))
    said = signing.loads(token, salt=desk_undo.SALT)
    late = _OldSigner(salt=desk_undo.SALT).sign_object(said)
    other_order = signing.dumps({**said, "order": order.pk + 1}, salt=desk_undo.SALT)
    for who, given in (("sari", late), ("dewi", token), ("sari", other_order), ("sari", "x"), ("sari", "")):
        answer = people.client(who).post(path, {"token": given}, headers=HTMX)
        assert _toast(answer) == "The time to undo is over. Nothing was done."
    assert fresh(order).owner == people.users["sari"]


def test_who_was_slower_reads_whose_it_is(people: World) -> None:
    order = waiting_order()
    for who in ("sari", "dewi"):
        answer = people.client(who).post(f"/orders/{order.public_id}/take/", {"was": ""}, headers=HTMX)
    assert _toast(answer) == "Somebody was faster: it is Sari Wulandari's now. Nothing was done."
    assert fresh(order).owner == people.users["sari"]


def test_only_colleagues_can_be_given_an_order(people: World) -> None:
    order, client = waiting_order(), people.client("sari")
    path = f"/orders/{order.public_id}/assign/"
    html = client.get(path, headers=HTMX).content.decode()
    assert "Dewi Anggraini" in html
    assert "Agus Pratama" not in html
    answer = client.post(path, {"owner": people.users["agus"].pk, "was": ""}, headers=HTMX)
    assert answer.status_code == 422
    assert fresh(order).owner is None


def test_what_neighbours_cannot_say_is_a_warning_in_the_dialog(people: World) -> None:
    order = old(late_order())
    html = people.client("sari").post(f"{_path(order, 'refund')}warnings/", headers=HTMX).content.decode()
    assert "Midtrans did not answer" in html


@pytest.mark.django_db(transaction=True)
def test_two_people_at_the_same_instant_have_one_effect() -> None:
    people, order = make_world(), waiting_order()
    clients = [people.client(who) for who in ("sari", "dewi", "budi", "ratna")]
    start, answers = threading.Barrier(len(clients)), []

    def press(client: Client) -> None:
        try:
            start.wait()
            answers.append(_ask(client, order).status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers == [200] * len(clients)
    assert OperatorAction.objects.count() == 1
