"""The queues of money on the screen: counts, the clock, the advice with its source, and the way to the order."""

import re

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from opsconsole.console.frame import ALERTS
from opsconsole.console.money_advice import WORDS
from orders.queries.money_queues import Case
from tests.console.people import World
from tests.orders.making import make_refund
from tests.orders.queries.test_money_queues import AMOUNT, entry, paid

pytestmark = pytest.mark.django_db

DESK = "/orders/money/"


@pytest.fixture
def budi(people: World) -> Client:
    return people.client("budi")


def page(client: Client, query: str = "") -> str:
    response = client.get(f"{DESK}{query}")
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("case", list(Case))
def test_each_queue_says_what_happened_what_is_advised_by_whom_and_until_when(budi: Client, case: Case) -> None:
    html = page(budi, f"?case={case}").replace("&#x27;", "'")
    words = WORDS[case]
    assert str(words.what) in html
    assert words.advice
    for advice in words.advice:
        assert f"{advice.text}{f' <small>({advice.source})</small>' * bool(advice.source)}</span>" in html
    assert "to be decided within" in html
    assert "No such money" in html


def test_a_row_leads_to_its_order_with_the_sum_in_question(budi: Client) -> None:
    order = paid("active", AMOUNT, AMOUNT + 5)
    html = page(budi, "?case=twice")
    assert f'href="/orders/{order.public_id}/"' in html
    assert "Rp\u00a0150.005" in html
    assert re.search(r'aria-current="page">Paid twice <span>1</span>', html)
    assert "(1) Money to decide about" in html


def test_money_that_lies_too_long_is_marked(budi: Client) -> None:
    young, old = paid("completed", AMOUNT), paid("completed", AMOUNT)
    entry(young, "reversed", -AMOUNT, minutes=5)
    entry(old, "reversed", -AMOUNT, minutes=61)
    html = page(budi, "?case=reversed")
    rows = re.findall(r'<tr id="row-(\d+)".*?</tr>', html, re.DOTALL)
    assert rows == [str(old.pk), str(young.pk)]
    assert html.count('<span class="late">') == 1


def test_a_refund_that_failed_says_why(budi: Client) -> None:
    order = paid("cancelled", AMOUNT)
    make_refund(order.attempts.get(), "failed", amount=1_000, last_error="418 balance is short")
    assert "418 balance is short" in page(budi, "?case=refund_failed")


def test_pages_and_nonsense(budi: Client) -> None:
    for number in range(52):
        paid("active", AMOUNT + 1 + number)
    first = page(budi, "?case=over")
    assert "50 of 52" in first
    following = re.search(r'href="/orders/money/(\?[^"]+)" rel="next"', first)
    assert following
    assert page(budi, following[1].replace("&amp;", "&")).count("<tr id=") == 2
    assert page(budi, "?case=x&after=y").count("<tr id=") == 0


def test_the_desk_costs_a_fixed_number_of_queries(
    budi: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    kept, ALERTS.sources[:] = list(ALERTS.sources), []
    for _each in range(10):
        paid("active", AMOUNT, AMOUNT)
    page(budi, "?case=twice")
    # Session, person, rights; the read's transaction (2) and its bounds; the page and the totals.
    with django_assert_num_queries(8):
        page(budi, "?case=twice")
    ALERTS.sources[:] = kept


def test_a_refresh_moves_no_row_and_says_which_is_settled(budi: Client) -> None:
    decided, left = paid("completed", AMOUNT), paid("completed", AMOUNT)
    for number, order in enumerate((decided, left)):
        entry(order, "reversed", -AMOUNT, minutes=50 - number)
    entry(decided, "charged", AMOUNT, minutes=1)
    new = paid("completed", AMOUNT)
    entry(new, "reversed", -AMOUNT, minutes=2)
    html = budi.get(
        f"{DESK}?case=reversed&pins={decided.pk}.{left.pk}", headers={"HX-Request": "true"}
    ).content.decode()
    assert re.findall(r'<tr id="row-(\d+)"', html) == [str(decided.pk), str(left.pk)]
    assert html.count('class="is-free"') == 1
    assert "Settled" in html
    assert ">1 new</a>" in html
    assert re.findall(r'<tr id="row-(\d+)"', page(budi, "?case=reversed")) == [str(left.pk), str(new.pk)]
