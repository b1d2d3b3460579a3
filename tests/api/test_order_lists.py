"""Lists of orders: pages, filters, and the indexes behind them."""

import json
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from opsconsole.api import orders as api_orders
from orders.models import Order
from orders.queries import orders as queries
from orders.queries.orders import Wanted
from orders.states import OPEN_ORDER_STATES, OrderVerb
from orders.transitions import move
from tests.api.conftest import problem
from tests.factories import make_order

pytestmark = pytest.mark.django_db
START = timezone.now() - timedelta(days=30)


def ids(answer):
    return [order["id"] for order in answer.json()["orders"]]


def several(count, **fields):
    return [make_order(placed_at=START + timedelta(hours=n), **fields) for n in range(count)]


def ended(order):
    with transaction.atomic():
        move(order, OrderVerb.CANCEL, actor="policy:test")
    return order


def test_every_order_is_in_one_of_the_two_lists(api):
    orders = several(6)
    for order in orders[:3]:
        ended(order)
    assert ids(api.get("/orders/active")) == [order.public_id for order in reversed(orders[3:])]
    assert ids(api.get("/orders/history")) == [order.public_id for order in reversed(orders[:3])]


def test_an_entry_says_what_a_list_needs(api):
    (order,) = several(1, items=("rent",), city="Bali", customer_id="C-9")
    (entry,) = api.get("/orders/active").json()["orders"]
    assert entry["location"] == f"/api/v1/orders/active/{order.public_id}"
    assert (entry["service"], entry["city"], entry["customer_id"], entry["state"]) == ("rent", "Bali", "C-9", "created")
    assert entry["total"] == {"amount": 50_000, "currency": "IDR"}


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_together_are_the_list(api, limit):
    orders = several(7)
    twins = [make_order(placed_at=START) for _ in range(3)]  # the same instant: the id decides
    whole = [order.public_id for order in sorted(orders + twins, key=lambda o: (o.placed_at, o.pk), reverse=True)]
    seen, cursor, pages = [], "", 0
    while True:
        answer = api.get(f"/orders/active?limit={limit}{cursor}")
        seen += ids(answer)
        pages += 1
        if answer.json()["next_cursor"] is None:
            break
        cursor = f"&cursor={answer.json()['next_cursor']}"
    assert seen == whole
    assert pages == -(-10 // limit)


def test_a_page_goes_on_where_the_last_ended_even_when_that_order_left_the_list(api):
    orders = several(4)
    page = api.get("/orders/active?limit=2").json()
    ended(Order.objects.get(public_id=page["orders"][-1]["id"]))
    make_order()
    assert ids(api.get(f"/orders/active?limit=2&cursor={page['next_cursor']}")) == [
        orders[1].public_id,
        orders[0].public_id,
    ]


def test_filters_narrow_the_list(api):
    orders = several(4, customer_id="C-1")
    other = several(2, customer_id="C-2", items=("shuttle",))
    assert len(ids(api.get("/orders/active?customer=C-1"))) == 4
    assert ids(api.get("/orders/active?service=shuttle")) == [other[1].public_id, other[0].public_id]
    assert ids(api.get("/orders/active?customer=C-1&service=shuttle")) == []
    span = f"placed_from={_text(orders[1])}&placed_to={_text(orders[3])}&customer=C-1"
    assert ids(api.get(f"/orders/active?{span}")) == [orders[2].public_id, orders[1].public_id]


def _text(order):
    return order.placed_at.isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    "past", ["0001-01-01T00:00:00%2B23:59", "1605-02-17T22:28:14.1234567z", "1999-01-01t00:00:00Z"]
)
@pytest.mark.parametrize("future", ["9999-12-31T23:59:59-23:59", "2100-01-01T00:00:00Z"])
def test_any_span_of_time_may_be_asked_for(api, past, future):
    order = make_order()
    assert ids(api.get(f"/orders/active?placed_from={past}&placed_to={future}")) == [order.public_id]
    assert ids(api.get(f"/orders/active?placed_from={future}")) == []
    assert ids(api.get(f"/orders/active?placed_to={past}")) == []


def test_a_channel_sees_only_its_own(api, web):
    mine = make_order(channel="app")
    theirs = make_order(channel="web")
    assert ids(api.get("/orders/active")) == [mine.public_id]
    assert ids(web.get("/orders/active")) == [theirs.public_id]
    assert ids(web.get(f"/orders/active?customer={mine.customer_id}")) == []


@pytest.mark.parametrize("cursor", ["x", "", "%00", "AAAA", "TVJHLTA", "a" * 300, "ключ", "//8"])
def test_a_cursor_that_is_not_ours_is_refused(api, cursor):
    make_order()
    answer = api.get(f"/orders/active?cursor={cursor}")
    assert answer.json()["type"].partition("#")[2] in {"invalid-cursor", "invalid", "bad-request"}
    assert answer.status_code in {400, 422}


def test_another_channels_cursor_says_nothing_of_its_orders(api, web):
    make_order(channel="app")
    there = make_order(channel="web").public_id
    cursor = api_orders._cursor(there)
    absent = api_orders._cursor("MRG-0")
    assert api.get(f"/orders/active?cursor={cursor}").content == api.get(f"/orders/active?cursor={absent}").content
    problem(api.get(f"/orders/active?cursor={cursor}"), "invalid-cursor", 400)


def test_a_cursor_shows_no_key_of_ours(api):
    orders = several(2)
    cursor = api.get("/orders/active?limit=1").json()["next_cursor"]
    assert api_orders._place(cursor) == orders[1].public_id


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("service=plane", "service"),
        ("placed_from=yesterday", "placed_from"),
        ("placed_from=2026-01-01T00:00:00", "placed_from"),
        ("placed_to=1767225600", "placed_to"),
        ("placed_to=2026-02-30T00:00:00Z", "placed_to"),
        ("customer=", "customer"),
        ("customer=a%20b", "customer"),
        ("custommer=C-1", "custommer"),
    ],
)
def test_a_wrong_parameter_is_named(api, query, parameter):
    found = problem(api.get(f"/orders/active?{query}"), "invalid", 422)
    assert parameter in [error["parameter"] for error in found["errors"]]


MANY = """
INSERT INTO orders_order (public_id, state, entered_at, version, created_at, origin, channel, service, city,
    customer_id, customer_name, customer_phone, customer_email, amount, currency, method, promo_code, notes,
    placed_at, hold_reason)
SELECT 'X-' || n, CASE WHEN n %% 20 = 0 THEN 'active' ELSE 'completed' END, now(), 1, now(), 'platform',
    CASE WHEN n %% 50 = 0 THEN 'corporate' ELSE 'app' END, 'taxi', '', 'C-' || n %% 500, '', '', '', 1, 'IDR',
    'qris', '', '{}', now() - n * interval '1 minute', ''
FROM generate_series(1, %s) AS n
"""


@pytest.fixture
def many(db):
    """Twenty thousand orders, one in twenty active, one in fifty of the corporate channel."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(MANY, [20_000])
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
        cursor.execute("ANALYZE orders_order")


def plan_of(rows) -> str:
    return json.dumps(json.loads(rows.explain(format="json")))


@pytest.mark.parametrize("channel", ["app", "corporate"])
@pytest.mark.parametrize(
    ("of", "index"), [(queries.active, "order_active_list"), (queries.history, "order_history_list")]
)
def test_a_page_is_read_off_an_index_from_the_first_to_the_last(many, channel, of, index):
    rows = of(channel).order_by("-placed_at", "-id")
    last = list(rows.values_list("placed_at", "id"))[-30]
    # Where nearly every row is the channel's, the index over all orders is as good.
    good = {index} if channel == "corporate" else {index, "order_placed"}
    for place in (None, last):
        page = queries._rows(of(channel), place=place, wanted=Wanted())[:26]
        plan = plan_of(page)
        assert any(f'"Index Name": "{name}"' in plan for name in good), plan
        assert "Seq Scan" not in plan
        assert '"Sort"' not in plan
    deep = queries._rows(of(channel), place=last, wanted=Wanted())[:26]
    assert '"Index Cond": ' in plan_of(deep)
    assert "ROW(placed_at, id) < " in plan_of(deep)


def test_a_customers_orders_are_read_off_an_index(many):
    page = queries._rows(queries.history("app"), place=None, wanted=Wanted(customer="C-7"))[:26]
    plan = plan_of(page)
    assert "Seq Scan" not in plan
    assert "order_customer" in plan


def test_the_conditions_of_the_indexes_are_the_open_states():
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'order_active_list'")
        definition = cursor.fetchone()[0]
    assert all(f"'{state}'" in definition for state in OPEN_ORDER_STATES)
    assert definition.count("::character varying") == len(OPEN_ORDER_STATES)
