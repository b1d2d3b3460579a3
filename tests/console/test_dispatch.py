"""The dispatch desk: what waits, who holds it, what may be pressed, and what a bulk would do before it does it."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from opsconsole.console.models import Bulk
from orders.models import DispatchEntry, Heartbeat, Item, OperatorAction
from orders.services import dispatch_desk
from orders.services.dispatch_desk import Car
from tests.console.people import World
from tests.orders.making import make_dispatch, make_order, make_saga, make_step

pytestmark = pytest.mark.django_db

DESK = "/orders/dispatch/"
HTMX = {"HX-Request": "true"}
ROW = re.compile(r'<tr id="row-(\d+)"')
SPOT = {"address": "Sudirman", "lat": -6.2, "lng": 106.8}


@pytest.fixture(autouse=True)
def _nobody_answers(settings: Any) -> None:
    settings.UPSTREAMS = {
        name: {"url": "http://127.0.0.1:9", "timeout": 1.0, "tries": 1} for name in settings.UPSTREAMS
    }


@pytest.fixture
def dewi(people: World) -> Client:
    return people.client("dewi")


def waiting(minutes: float = 5, state: str = "waiting", **fields: Any) -> DispatchEntry:
    facts: dict[str, Any] = {"city": "Jakarta", "customer_name": "Ani", "customer_phone": "+6281234567890", **fields}
    order = make_order("queued_for_dispatch", **facts)
    Item.objects.filter(order=order).update(details={"pickup": SPOT, "dropoff": {"address": "Kemang"}})
    since = timezone.now() - timedelta(minutes=minutes)
    return make_dispatch(make_step(make_saga(order)), state, city=order.city, since=since)


def page(client: Client, path: str = DESK, **headers: str) -> str:
    response = client.get(path, headers=headers)
    assert response.status_code == 200
    return response.content.decode()


def ids(html: str) -> list[int]:
    return [int(each) for each in ROW.findall(html)]


def press(client: Client, entry: DispatchEntry, what: str, **given: Any) -> HttpResponse:
    path = f"/orders/{entry.order.public_id}/dispatch/{what}/"
    return client.post(path, {"entry": entry.pk, **given}, headers=HTMX)


def said(answer: HttpResponse) -> str:
    return str(json.loads(answer["HX-Trigger"])["toast"]["text"])


def fresh(entry: DispatchEntry) -> DispatchEntry:
    return DispatchEntry.objects.get(pk=entry.pk)


def test_the_oldest_stand_first_or_the_most_expensive(dewi: Client) -> None:
    made = {name: waiting(age, amount=sum_) for name, age, sum_ in (("a", 5, 30), ("b", 50, 10), ("c", 20, 20))}
    gone = waiting(90, "withdrawn")
    assert ids(page(dewi)) == [made[name].pk for name in "bca"]
    assert ids(page(dewi, f"{DESK}?sort=dearest")) == [made[name].pk for name in "acb"]
    assert gone.order.public_id not in page(dewi)


@pytest.mark.parametrize("sort", ["oldest", "dearest"])
def test_pages_go_on_from_a_place_both_ways(dewi: Client, sort: str) -> None:
    made = [waiting(200 - number, amount=1_000 - number // 3).pk for number in range(103)]
    first = page(dewi, f"{DESK}?sort={sort}")
    assert ids(first) == made[:50]
    second = page(dewi, follow(first, "next"))
    assert ids(second) == made[50:100]
    third = page(dewi, follow(second, "next"))
    assert ids(third) == made[100:]
    assert 'rel="next"' not in third
    assert ids(page(dewi, follow(third, "prev"))) == made[50:100]


def follow(html: str, rel: str) -> str:
    found = re.search(rf'href="([^"]+)" rel="{rel}"', html)
    assert found
    return found[1].replace("&amp;", "&")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "abc"),
        ("?city=Bali", "b"),
        ("?city=Bali&city=Jakarta", "abc"),
        ("?service=rent", "c"),
        ("?state=claimed", "c"),
        ("?holder=-", "ab"),
        ("?holder=me", ""),
        ("?holder=sari", "c"),
        ("?holder=nobody-of-this-name", ""),
    ],
)
def test_filters_stand_in_the_address(dewi: Client, query: str, expected: str) -> None:
    made = {"a": waiting(3), "b": waiting(2, city="Bali"), "c": waiting(1, service="rent")}
    dispatch_desk.claim(made["c"], actor="user:sari")
    found = ids(page(dewi, f"{DESK}{query}"))
    assert {name for name, entry in made.items() if entry.pk in found} == set(expected)


def test_counts_by_city_and_service_are_links(dewi: Client) -> None:
    waiting(3), waiting(2), waiting(1, city="Bali", service="rent")
    html = page(dewi)
    assert re.search(r'href="/orders/dispatch/\?city=Jakarta"[^>]*>Jakarta <b>2</b>', html)
    assert re.search(r'href="/orders/dispatch/\?service=rent"[^>]*>Rent <b>1</b>', html)
    assert "Rp\u00a0450.000" in html


def test_a_refresh_keeps_the_rows_greys_what_is_gone_and_counts_what_is_new(dewi: Client) -> None:
    entries = [waiting(9), waiting(8)]
    found = re.search(r'id="dispatch-list" data-live hx-get="([^"]+)"', page(dewi))
    assert found
    DispatchEntry.objects.filter(pk=entries[0].pk).update(city="Bali")
    dispatch_desk.claim(entries[1], actor="user:sari")
    waiting(-1)
    again = page(dewi, found[1].replace("&amp;", "&"), **HTMX)
    assert ids(again) == [entry.pk for entry in entries]
    assert "Sari Wulandari" in again
    assert re.search(r'id="dispatch-count"[^>]*><a class="badge"[^>]*>\s*1 new', again)


def test_the_list_costs_a_fixed_number_of_queries(
    dewi: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for minute in range(60):
        entry = waiting(minute)
        if minute % 3 == 0:
            dispatch_desk.claim(entry, actor="user:sari")
    page(dewi)
    # Session, person, rights; the read's transaction (2) and its bounds; board, limits, rows, names; alerts (4).
    with django_assert_num_queries(14):
        page(dewi)


def test_empty_queues_say_what_they_are(dewi: Client) -> None:
    assert "Nobody waits for a car" in page(dewi)
    waiting()
    assert "Nothing in the queue matches" in page(dewi, f"{DESK}?city=Bali")


@pytest.mark.parametrize("query", ["?after=x", "?before=1-", "?pins=a..9&since=x", "?sort=z", "?peek=%00", "?city=%00"])
def test_nonsense_in_the_address_is_no_error(dewi: Client, query: str) -> None:
    waiting()
    assert dewi.get(f"{DESK}{query}").status_code == 200


def test_who_takes_it_has_it_and_everybody_else_reads_who(people: World, dewi: Client) -> None:
    entry = waiting()
    assert said(press(dewi, entry, "claim")) == "It is yours."
    assert said(press(people.client("sari"), entry, "claim")) == "Dewi Anggraini has it."
    html = page(people.client("sari"), f"/orders/{entry.order.public_id}/dispatch/")
    assert "Dewi Anggraini has it" in html
    assert "Assign the car" not in html
    assert "user:dewi" not in html


def test_the_next_free_one_is_of_the_lists_own_filter_and_order(dewi: Client) -> None:
    waiting(9), waiting(8, city="Bali", amount=10), waiting(7, city="Bali", amount=99)
    answer = dewi.post(f"{DESK}next/?city=Bali&sort=dearest", headers={**HTMX, "HX-Target": "peek"})
    taken = DispatchEntry.objects.get(state="claimed")
    assert (taken.city, taken.order.amount) == ("Bali", 99)
    assert f'<h2 class="id">{taken.order.public_id}</h2>' in answer.content.decode()
    assert answer["HX-Push-Url"] == f"{DESK}?city=Bali&sort=dearest&peek={taken.order.public_id}"
    assert said(dewi.post(f"{DESK}next/?city=Medan", headers=HTMX)) == "Nothing here is free."


def test_giving_back_and_handing_over_leave_a_word(people: World, dewi: Client) -> None:
    entry = waiting()
    press(dewi, entry, "claim")
    sari = people.users["sari"].pk
    assert press(dewi, entry, "hand-over", to=sari, note=" ").status_code == 422
    assert press(dewi, entry, "hand-over", to=people.users["budi"].pk, note="x").status_code == 422
    handed = press(dewi, entry, "hand-over", to=sari, note="driver calls back")
    assert said(handed) == "It is Sari Wulandari's now."
    assert (fresh(entry).claimed_by, fresh(entry).note) == ("user:sari", "driver calls back")
    press(people.client("sari"), entry, "release", note="nobody near")
    assert (fresh(entry).state, fresh(entry).note) == ("waiting", "nobody near")


def test_a_car_is_assigned_and_a_second_order_cannot_have_it(dewi: Client) -> None:
    first, second = waiting(), waiting()
    for entry in (first, second):
        press(dewi, entry, "claim")
    assert "mark it as dispatched" in said(press(dewi, first, "assign", vehicle="b1234mrg", driver="Agus", phone=""))
    refusal = said(press(dewi, second, "assign", vehicle="B 1234 MRG", driver="Budi"))
    assert refusal == f"B 1234 MRG is on {first.order.public_id} already."
    assert "number plate" in said(press(dewi, second, "assign", vehicle="x", driver="Budi"))
    assert fresh(second).vehicle == ""
    assert "1 with a car" in page(dewi)
    html = page(dewi, f"/orders/{first.order.public_id}/dispatch/")
    assert "B 1234 MRG, pengemudi Agus" in html
    assert "Mark as dispatched" in html
    press(dewi, first, "free")
    assert fresh(first).vehicle == ""


def test_the_panel_of_a_desk_is_no_order_of_a_strange_name(dewi: Client) -> None:
    code = waiting().order.public_id
    assert "Nobody has it yet" in page(dewi, f"/orders/{code}/dispatch/peek/", **HTMX)
    assert dewi.get(f"/orders/{code}/dispatch/peek/").status_code == 302
    assert dewi.get(f"/orders/{code}/link/peek/", headers=HTMX).status_code == 200


def test_what_to_say_is_there_in_both_languages_and_names_the_sum(dewi: Client) -> None:
    html = page(dewi, f"/orders/{waiting().order.public_id}/dispatch/")
    assert re.search(r'lang="id">Selamat siang, saya Dewi Anggraini dari MRG.*Rp\xa0150\.000', html)
    assert re.search(r'lang="en">Good day, this is Dewi Anggraini of MRG', html)
    assert "+6281234567890" not in html


def test_who_is_near_cannot_be_known_when_the_dispatch_system_is_away(dewi: Client) -> None:
    entry = waiting()
    html = press(dewi, entry, "vehicles").content.decode()
    assert "Cannot know who is near. The dispatch system did not answer." in html
    Item.objects.update(details={"pickup": "Sudirman"})
    assert "no coordinates" in press(dewi, entry, "vehicles").content.decode()


@pytest.mark.parametrize("who", ["sari", "dewi", "budi", "agus", "admin"])
def test_who_may_do_what_at_the_desk(people: World, who: str) -> None:
    entry, may = waiting(), who in ("sari", "dewi")
    client = people.client(who)
    html = page(client)
    assert ("Take the next" in html) == may
    assert ('name="entry"' in html) == may
    statuses = {press(client, entry, what).status_code for what in ("claim", "assign", "free", "note", "release")}
    assert statuses == ({200} if may else {403})
    assert client.post(f"{DESK}next/", headers=HTMX).status_code == (200 if may else 403)
    assert client.get(f"{DESK}send/?entry={entry.pk}", headers=HTMX).status_code == (200 if may else 403)
    assert OperatorAction.objects.count() == 0


def test_a_bulk_says_first_what_it_would_do_and_then_asks_for_each_once(dewi: Client) -> None:
    goes, held, with_car = waiting(9, amount=100_000), waiting(8), waiting(7)
    dispatch_desk.claim(held, actor="user:sari")
    dispatch_desk.assign(dispatch_desk.claim(with_car, actor="user:dewi"), Car("B 1 A", "Agus"), actor="user:dewi")
    query = "&".join(f"entry={entry.pk}" for entry in (goes, held, with_car))
    html = dewi.get(f"{DESK}send/?{query}", headers=HTMX).content.decode()
    assert "Send 1 order again · Rp\u00a0100.000" in html
    assert "2 are left out" in html
    assert "Sari Wulandari has it." in html
    assert OperatorAction.objects.count() == 0
    key = re.search(r'name="key" value="(\w+)"', html)
    assert key
    answers = [
        dewi.post(f"{DESK}send/", {"key": key[1], "entry": [goes.pk, held.pk]}, headers=HTMX) for _click in range(2)
    ]
    assert [answer["HX-Redirect"] for answer in answers] == [f"/orders/bulk/{key[1]}/"] * 2
    action = OperatorAction.objects.get()
    assert (action.name, action.order_id, action.params) == ("send_to_dispatch", goes.order_id, {"entry": goes.pk})
    assert Bulk.objects.get().skipped == [[held.order.public_id, "Sari Wulandari has it."]]


def test_all_that_match_are_those_of_the_filter(dewi: Client) -> None:
    waiting(9), waiting(8, city="Bali"), waiting(7, city="Bali")
    html = dewi.get(f"{DESK}send/?all=1&query=city%3DBali", headers=HTMX).content.decode()
    assert "Send 2 orders again" in html
    assert "Nothing is selected" in said(dewi.get(f"{DESK}send/", headers=HTMX))


def test_an_order_knows_its_desk_and_an_order_without_one_has_none(dewi: Client) -> None:
    entry = waiting()
    html = page(dewi, f"/orders/{entry.order.public_id}/")
    assert re.search(rf'data-key="d" href="/orders/{entry.order.public_id}/dispatch/', html)
    other = make_order("created")
    shown = page(dewi, f"/orders/{other.public_id}/").split("<main")[1].split("</main>")[0]
    assert "/dispatch/" not in shown
    assert dewi.get(f"/orders/{other.public_id}/dispatch/").status_code == 404


def test_operations_are_told_on_every_page_when_the_queue_is_long(dewi: Client) -> None:
    detail = {"count": 12, "long": True}
    Heartbeat.objects.create(name="round:dispatch-queue", pid=0, detail=detail, at=timezone.now())
    html = page(dewi)
    assert "12 orders wait for a car" in html
    Heartbeat.objects.update(detail={"count": 2, "long": False})
    assert "wait for a car" not in page(dewi).split("<main")[0]
