"""Runbooks in a browser: clean in both languages, both themes and both widths."""

import pytest

from orders.services import pausing
from runbooks.files import load
from runbooks.models import Guide
from runbooks.services import guiding
from runbooks.services.guiding import Said
from tests.console.browser import Site, assert_all_are_clean
from tests.orders.making import make_letter
from tests.runbooks.planning import SARI

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def guides(site: Site) -> tuple[Guide, Guide]:
    """One at an act with something to do, one at a decision."""
    for _number in range(12):
        make_letter()
    book, other = load("message-broker-down"), load("order-orchestrator-down")
    assert book is not None
    assert other is not None
    acting, deciding = guiding.begin(book, actor=SARI), guiding.begin(other, actor=SARI)
    for step in ("see", "broker", "restart", "drain"):
        guiding.done(acting, step, Said(actor=SARI, note="3 nodes run"))
    for step in ("pods", "see"):
        guiding.done(deciding, step, Said(actor=SARI, note="2 of 6 ready"))
    assert pausing.paused() == []
    return acting, deciding


def test_pages_of_runbooks_are_clean(site: Site, guides: tuple[Guide, Guide]) -> None:
    acting, deciding = guides
    addresses = (
        "/runbooks/library/",
        "/runbooks/library/database-failover/",
        f"/runbooks/{acting.runbook}/runs/{acting.code}/",
        f"/runbooks/{deciding.runbook}/runs/{deciding.code}/",
        "/runbooks/channels/",
        "/approvals/",
    )
    assert_all_are_clean(site, [(address, "sari") for address in addresses])
