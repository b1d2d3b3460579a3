"""Plans in a browser: clean in every language, theme and width."""

import pytest

from orders.models import OperatorAction
from runbooks.models import Plan, Run
from runbooks.services import approving, operating
from tests.console.browser import Site, assert_all_are_clean
from tests.runbooks.planning import BUDI, charged, go, held, plan_of, run_on

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def plans(site: Site) -> tuple[Plan, Plan]:
    """One that waits for a second person, and one whose run is paused."""
    large = plan_of([charged(amount=6_000_000), charged(origin="import")], "refund@1")
    approving.propose(large, go(large))
    running = plan_of([held() for _each in range(8)], "release_hold@1")
    run = approving.start(running, go(running))
    operating.pause(run, actor=BUDI, reason="look first")
    done = plan_of([held()], "release_hold@1")
    run_on(approving.start(done, go(done)))
    assert Run.objects.count() == 2
    return large, running


def test_pages_of_plans_are_clean_in_every_look(site: Site, plans: tuple[Plan, Plan]) -> None:
    large, running = plans
    addresses = (
        "/runbooks/",
        f"/runbooks/plans/{large.code}/",
        f"/runbooks/plans/{running.code}/",
        "/runbooks/switches/",
        "/runbooks/actions/",
        "/runbooks/actions/refund/?typed=MRG-1",
        "/runbooks/actions/pause_channel/?subject=app&minutes=45",
        f"/orders/{_acted_on(running)}/actions/",
    )
    assert_all_are_clean(site, [(address, "budi") for address in addresses])


def _acted_on(plan: Plan) -> str:
    """An order with an action of a run."""
    done = OperatorAction.objects.exclude(plan=plan.code).select_related("order").latest("pk")
    return done.order.public_id
