"""Each rule of the diagnosis: the evidence it speaks on, and the evidence it is silent on."""

from datetime import UTC, datetime

import pytest
from django.utils import translation

from orders.diagnosis.causes import NEXT_STEPS, WORDS, Cause, NextStep
from orders.diagnosis.evidence import Evidence
from orders.diagnosis.findings import CERTAIN, restored, said, stored
from orders.diagnosis.rules import judge
from orders.services.actions import VERBS
from orders.states import OrderState
from tests.orders.diagnosis.cases import CASES, DEAD, LATELY, LONG_AGO, SOON, message, order, saga, step


@pytest.mark.parametrize(("_case", "evidence", "cause", "next_step"), CASES, ids=[case[0] for case in CASES])
def test_the_evidence_names_the_cause_and_the_safe_step(
    _case: str, evidence: Evidence, cause: Cause, next_step: NextStep
) -> None:
    finding = judge(evidence)
    assert (finding.cause, finding.next_step) == (cause, next_step)


def test_every_cause_has_a_case() -> None:
    assert {case[2] for case in CASES} == set(Cause)


@pytest.mark.parametrize(("_case", "evidence", "cause", "next_step"), CASES, ids=[case[0] for case in CASES])
def test_evidence_is_sentences_that_survive_storing(
    _case: str, evidence: Evidence, cause: Cause, next_step: NextStep
) -> None:
    finding = judge(evidence)
    assert 0 < finding.confidence <= 100
    kept = restored(stored(finding.evidence))
    assert [str(sentence) for sentence in kept] == [str(sentence) for sentence in finding.evidence]
    assert all("%(" not in str(sentence) and "None" not in str(sentence) for sentence in kept)


@pytest.mark.parametrize("state", OrderState.values)
def test_no_state_of_an_order_breaks_a_rule(state: str) -> None:
    for imported in (True, False):
        assert judge(order(state, imported=imported)).confidence > 0


def test_a_live_lease_or_a_moment_of_waiting_is_no_backlog() -> None:
    for work in (saga(due_at=LATELY), saga(due_at=LONG_AGO, lease_until=SOON), saga(due_at=SOON)):
        finding = judge(order("paid", sagas=(work,), platform=DEAD))
        assert finding.cause == Cause.BOOKING_STEP_UNANSWERED
        assert finding.confidence < CERTAIN


def test_what_a_partner_says_early_does_not_explain_a_booking() -> None:
    evidence = order("booking", sagas=(saga(),), steps=(step("unknown"),), inbound=(message(),))
    assert judge(evidence).cause == Cause.BOOKING_STEP_UNANSWERED


def test_an_instant_is_shown_in_wib_and_in_the_readers_language() -> None:
    sentence = said("at %(seen_at)s", seen_at=datetime(2026, 5, 1, 20, 0, 5, tzinfo=UTC))
    assert str(sentence) == "at 2 May 2026, 03:00:05 WIB"
    with translation.override("id"):
        assert str(sentence) == "at 2 Mei 2026, 03:00:05 WIB"


def test_every_cause_has_words_and_a_step_that_exists() -> None:
    assert set(WORDS) == set(Cause)
    assert set(NEXT_STEPS) == set(NextStep)
    people = {NextStep.CALL_PARTNER, NextStep.ASK_FINANCE, NextStep.WAIT}
    assert {step.value for step in NextStep if step not in people} <= set(VERBS)
    for words in WORDS.values():
        assert str(words.title)
        assert str(words.explanation).endswith(".")
        assert str(words.customer)[-1] in ".?"
        assert len(str(words.title)) <= 40
