"""What is locked may be referred to meanwhile: events, rows and clocks commit without waiting for it."""

import pytest
from django.db import transaction

from runbooks.services import approving
from runbooks.services.incidents import opening
from runbooks.transitions import lock_incident, lock_plan, lock_run
from tests.locks import assert_may_be_referred_to
from tests.runbooks.planning import SARI, go, held, plan_of

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_locked_plan_and_run_do_not_stop_what_refers_to_them() -> None:
    """Their events, and the rows that a worker lets go, are written by others at the same time."""
    plan = plan_of([held()], "release_hold@1")
    run = approving.start(plan, go(plan))
    with transaction.atomic():
        assert_may_be_referred_to(lock_plan(plan))
    with transaction.atomic():
        assert_may_be_referred_to(lock_run(run))


def test_a_locked_incident_does_not_stop_what_refers_to_it() -> None:
    """Its clocks, pages and samples are the ticker's."""
    incident = opening.open_by_hand(
        title="TPG answers nothing", service="tpg", failure="down", severity=0, actor=SARI, reason="seen by CS"
    )
    with transaction.atomic():
        assert_may_be_referred_to(lock_incident(incident))
