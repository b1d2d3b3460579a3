"""12 January from the spike to the signed day and the drafted review, driven by the real scenario. What answers is told
nothing; what still hangs in the end is owed as an action item by whoever ended it."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from orders.resilience import connections
from runbooks.incident_states import IncidentState
from runbooks.models import ActionItem, Incident
from runbooks.queries import board, proof
from runbooks.queries.board import Hypothesis, Verdict
from runbooks.services.incidents import cohort, leading, reviewing
from runbooks.services.incidents.leading import By
from tests.opsconsole.scenarios import night as nights
from tests.opsconsole.scenarios.night import SARI, night


@pytest.mark.timeout(400)
@pytest.mark.django_db(transaction=True)
def test_a_night_of_silence_is_named_repaired_and_closed(settings: Any, tmp_path: Path) -> None:
    with night(settings, tmp_path, seed=31, mix="silence") as tonight:
        incident = nights.incident_of(tonight)
        leading.acknowledge(incident, By(actor=SARI))
        cohort.pin_what_hangs(incident, actor=SARI)
        pinned = set(incident.cohort.values_list("order__public_id", flat=True))
        assert pinned == tonight.hanging
        named(incident, Hypothesis.TIMEOUTS)
        nights.calm(tonight)
        plans = nights.go_through_runbook(incident)
        assert plans
        assert max(plan.run.wave for plan in plans) > 1
        plans += nights.repair_rest(incident)
        nights.settle(tonight)
        nights.finance_closes(tonight)
        left = nights.hanging_of(incident)
        assert len(left) < len(pinned) / 2, [(row.public_id, row.cause, row.next_step) for row in left]
        over = By(actor=SARI, reason="asked, booked and posted again; the rest is called")
        leading.resolve(incident, over, override=bool(proof.obstacles(incident)))
        review = reviewing.draft(Incident.objects.get(pk=incident.pk), actor=SARI)
    incident.refresh_from_db()
    connections.close_all()
    assert incident.state == IncidentState.RESOLVED
    assert review.impact["orders"] == len(pinned)
    assert review.impact["hanging"] == len(left)
    owed = ActionItem.objects.filter(incident=incident, kind=ActionItem.Kind.OVERRIDE)
    assert owed.exists() or not left


def named(incident: Incident, cause: Hypothesis) -> None:
    now = timezone.now()
    seen = board.board(incident, board.window_of(incident, now=now), now=now)
    told = {each: (board.verdict(seen.counted[each]), seen.counted[each]) for each in seen.ranked}
    assert [each for each, (verdict, _counted) in told.items() if verdict == Verdict.STRONG] == [cause], told
