"""Dead letters on screen: who sees what, what a person may do with one, and that everything is written down."""

import json
from typing import Any

import pytest
from django.http import QueryDict
from django.urls import reverse

from opsconsole.console.letters import Asked, read_letters
from orders import events
from orders.models import DeadLetter, History, Order
from orders.services import receiving
from orders.services.receiving import Consumer
from orders.states import LetterState
from tests.console.people import World
from tests.orders.making import make_letter, make_order

pytestmark = pytest.mark.django_db


def letter_of(order: Order | None = None, state: str = "dead", **fields: Any) -> DeadLetter:
    """A letter with a real event in it, where there is an order."""
    if order is not None:
        row = History.objects.filter(order_id=order.pk, verb="create").get()
        event = events.event_of(row, order_id=order.public_id)
        body = event.body()
        fields = {"event_id": event.event_id, "kind": event.key, "raw": body, "body": body.decode(), **fields}
    return make_letter(order, state, **fields)


def post(people: World, who: str, name: str, *arguments: int, **given: Any) -> Any:
    return people.client(who).post(reverse(name, args=arguments), given)


def test_on_call_sees_and_acts_and_the_auditor_only_sees(people: World) -> None:
    letter = letter_of(make_order())

    for who, may_see, may_act in [("sari", 200, 200), ("agus", 200, 403), ("dewi", 403, 403), ("budi", 403, 403)]:
        client = people.client(who)
        assert client.get(reverse("letters")).status_code == may_see
        assert client.get(reverse("letter", args=[letter.pk])).status_code == may_see
        for name in ("letter-replay", "letter-discard"):
            assert client.get(reverse(name, args=[letter.pk])).status_code == may_act
        assert client.get(reverse("letters-replay")).status_code == may_act
    assert post(people, "agus", "letter-discard", letter.pk, version=letter.version, reason="x").status_code == 403
    letter.refresh_from_db()
    assert letter.state == LetterState.DEAD


def test_the_list_shows_what_is_open_and_filters_the_rest(people: World) -> None:
    letter_of(make_order(), reason="KeyError", consumer="notices")
    letter_of(make_order(), "discarded", reason="gone by")
    client = people.client("sari")

    page = client.get(reverse("letters")).content.decode()
    assert ("KeyError" in page, "gone by" in page) == (True, False)
    assert "(1) " in page
    closed = client.get(reverse("letters"), {"state": "discarded"}).content.decode()
    assert ("KeyError" in closed.split("</form>")[-1], "gone by" in closed) == (False, True)
    assert "No letter matches" in client.get(reverse("letters"), {"consumer": "other"}).content.decode()


def test_the_list_asks_the_same_number_of_questions_for_one_and_for_sixty(django_assert_num_queries: Any) -> None:
    for _number in range(60):
        letter_of()
    with django_assert_num_queries(2):
        found = read_letters(Asked.read(QueryDict()))
    assert (len(found.rows), found.total, found.dead) == (50, "60", 60)
    rest = read_letters(Asked.read(QueryDict(found.next.partition("?")[2])))
    assert len(rest.rows) == 10
    assert not {row.pk for row in rest.rows} & {row.pk for row in found.rows}


def test_without_letters_it_says_so(people: World) -> None:
    assert "No dead letters" in people.client("sari").get(reverse("letters")).content.decode()


def test_an_edited_body_is_replayed_and_the_original_kept(people: World) -> None:
    order = make_order()
    letter = letter_of(order)
    told = json.loads(letter.body)
    edited = json.dumps({**told, "actor": "user:sari"}, indent=2)

    answer = post(
        people, "sari", "letter-replay", letter.pk, version=letter.version, reason="actor was wrong", body=edited
    )

    letter.refresh_from_db()
    assert answer.status_code == 302
    assert (letter.state, letter.body, letter.is_edited, letter.tries) == (LetterState.RETRYING, edited, True, 0)
    assert json.loads(bytes(letter.raw)) == told
    log = History.objects.filter(order_id=order.pk, machine="letter", verb="replay").get()
    assert (log.actor, log.reason, log.detail) == ("user:sari", "actor was wrong", {"edited": True})

    seen: list[events.Event] = []
    receiving.try_letters({"tests": Consumer(seen.append, wants=frozenset({("order", "create")}))})
    letter.refresh_from_db()
    assert (letter.state, [event.actor for event in seen]) == (LetterState.HANDLED, ["user:sari"])


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{", "This is no event"),
        ('{"version":1}', "This is no event"),
        ("another id", "The event id must stay"),
    ],
)
def test_a_body_that_is_no_such_event_is_refused_and_kept_in_the_form(people: World, body: str, says: str) -> None:
    letter = letter_of(make_order())
    if body == "another id":
        body = json.dumps({**json.loads(letter.body), "event_id": "h-999999999"})

    answer = post(people, "sari", "letter-replay", letter.pk, version=letter.version, reason="try", body=body)

    assert answer.status_code == 422
    assert says in answer.content.decode()
    letter.refresh_from_db()
    assert (letter.state, letter.is_edited) == (LetterState.DEAD, False)
    assert not History.objects.filter(machine="letter", verb="replay").exists()


def test_a_letter_that_moved_on_since_is_not_touched(people: World) -> None:
    letter = letter_of(make_order())

    answer = post(people, "sari", "letter-discard", letter.pk, version=letter.version + 1, reason="late")

    assert answer.status_code == 422
    letter.refresh_from_db()
    assert letter.state == LetterState.DEAD


def test_no_act_without_a_reason(people: World) -> None:
    letter = letter_of(make_order())

    assert post(people, "sari", "letter-discard", letter.pk, version=letter.version, reason=" ").status_code == 422
    letter.refresh_from_db()
    assert letter.state == LetterState.DEAD


def test_discarded_is_written_down_and_can_be_replayed(people: World) -> None:
    order = make_order()
    letter = letter_of(order)

    post(people, "sari", "letter-discard", letter.pk, version=letter.version, reason="tested by hand")

    letter.refresh_from_db()
    assert letter.state == LetterState.DISCARDED
    page = people.client("agus").get(reverse("letter", args=[letter.pk])).content.decode()
    assert "tested by hand" in page
    assert "Dead letter discarded" in page
    assert (
        post(people, "sari", "letter-replay", letter.pk, version=letter.version, reason="after all").status_code == 302
    )


def test_many_are_replayed_by_filter_and_by_tick_and_the_unreadable_left_out(people: World) -> None:
    first, second = letter_of(make_order(), reason="KeyError"), letter_of(make_order(), reason="ValueError")
    unreadable = letter_of(reason="KeyError")

    answer = people.client("sari").post(
        reverse("letters-replay"), {"why": "mended", "letter": [str(first.pk), str(unreadable.pk)]}
    )

    assert answer.status_code == 302
    states = dict(DeadLetter.objects.values_list("pk", "state"))
    assert states == {
        first.pk: LetterState.RETRYING,
        second.pk: LetterState.DEAD,
        unreadable.pk: LetterState.DEAD,
    }
    people.client("sari").post(reverse("letters-replay"), {"why": "mended"})
    assert DeadLetter.objects.get(pk=second.pk).state == LetterState.RETRYING
    assert History.objects.filter(machine="letter", verb="replay", actor="user:sari", reason="mended").count() == 2


def test_a_replayed_event_that_came_by_itself_meanwhile_has_no_second_effect(people: World) -> None:
    order = make_order()
    genuine = events.event_of(History.objects.get(order_id=order.pk), order_id=order.public_id)
    seen: list[events.Event] = []
    consumer = Consumer(seen.append, wants=frozenset({("order", "create")}))
    receiving.subscribe(["tests"])
    receiving.Subscription.objects.update(created_at=order.created_at)
    receiving.receive("tests", consumer, b"half an eve")
    receiving.receive("tests", consumer, genuine.body())
    letter = DeadLetter.objects.get()

    post(
        people,
        "sari",
        "letter-replay",
        letter.pk,
        version=letter.version,
        reason="whole now",
        body=genuine.body().decode(),
    )
    receiving.try_letters({"tests": consumer})

    letter.refresh_from_db()
    assert (letter.state, len(seen)) == (LetterState.HANDLED, 1)
