"""From a break or a case to the plan of its repair: who may, and that nothing is done before it is started."""

import pytest

from opsconsole.console.repairs import offered
from reconciliation.models import Break
from reconciliation.services.runs import reconcile
from runbooks.models import Plan
from tests.console.people import World
from tests.reconciliation.books import feed, line, load_into


@pytest.fixture
def found(db: None) -> list[Break]:
    """Two payments that Head Office lacks, of one cause."""
    load_into(feed("ours", "ledger"), [line(100, order="A", reference="A-1"), line(70, order="B", reference="B-1")])
    load_into(feed("ho"), [])
    reconcile()
    return list(Break.objects.order_by("pk"))


def test_a_whole_case_becomes_one_plan_and_nothing_is_done(people: World, found: list[Break]) -> None:
    given = {"action": "accept_timing@1", "case": str(found[0].case_id)}
    answer = people.client("budi").post("/reconciliation/repairs/", given)
    plan = Plan.objects.get()
    assert answer["Location"] == f"/runbooks/plans/{plan.code}/"
    assert (plan.eligible, plan.money, plan.proposer, plan.kind) == (2, {"IDR": 170}, "user:budi", "case")
    assert Break.objects.filter(state="open").count() == 2
    page = people.client("ratna").get(answer["Location"]).content.decode()
    assert "Closes each break as one that time will settle." in page
    assert f"/reconciliation/breaks/{found[0].pk}/" in page


def test_ticked_breaks_become_a_plan_and_a_code_goes_with_a_write_off(people: World, found: list[Break]) -> None:
    given = {"action": "write_off@1", "break": [str(found[1].pk)], "code": "goodwill"}
    people.client("budi").post("/reconciliation/repairs/", given)
    plan = Plan.objects.get()
    assert (plan.params, plan.money) == ({"code": "goodwill"}, {"IDR": found[1].exposure})


@pytest.mark.parametrize("given", [{}, {"code": "no such code"}], ids=["none", "unknown"])
def test_a_write_off_without_a_code_leads_back_and_says_why(
    people: World, found: list[Break], given: dict[str, str]
) -> None:
    asked = {"action": "write_off@1", "break": str(found[0].pk), "back": "/reconciliation/days/", **given}
    answer = people.client("budi").post("/reconciliation/repairs/", asked, follow=True)
    assert answer.redirect_chain[0][0] == "/reconciliation/days/"
    assert "does not take this input: code" in answer.content.decode()
    assert not Plan.objects.exists()


@pytest.mark.parametrize("who", ["sari", "dewi", "agus", "admin"])
def test_only_finance_proposes(people: World, found: list[Break], who: str) -> None:
    answer = people.client(who).post(
        "/reconciliation/repairs/", {"action": "accept_timing@1", "break": str(found[0].pk)}
    )
    assert answer.status_code == 403
    assert not Plan.objects.exists()


def test_an_action_of_orders_is_no_repair(people: World, found: list[Break]) -> None:
    asked = {"action": "cancel_order@1", "break": str(found[0].pk)}
    assert people.client("budi").post("/reconciliation/repairs/", asked).status_code == 404


def test_each_type_is_offered_what_puts_its_books_right_first() -> None:
    names = {kind: [action.name for action in offered(kind, "open")] for kind in ("missing_in_ho", "amount_differs")}
    assert names == {
        "missing_in_ho": ["repost_break", "accept_timing", "write_off"],
        "amount_differs": ["correct_break", "write_off"],
    }
    assert [action.name for action in offered("amount_differs", "open", "gateway")] == ["write_off"]
    assert offered("duplicate_in_ho", "open")[0].name == "reverse_break"
    assert offered("duplicate_charge_across", "open")[0].name == "refund_break"
    assert [action.name for action in offered("missing_in_ho", "resolved")] == ["reopen_break"]
    assert offered("missing_in_ho", "healed") == []
