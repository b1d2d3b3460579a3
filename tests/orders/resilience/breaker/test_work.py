"""Work that gets no answer: it counts for its first look, and keeps the breaker open for nobody afterwards."""

import pytest

from orders import crew
from orders.resilience.breaker import State, state_of, working_on
from orders.resilience.breaker.work import current_work
from orders.services import breakers
from tests.orders.resilience.breaker.conftest import BAD, GOOD, NAME, SHARE, Calls
from tests.sandbox_fixtures import wait_until


@pytest.fixture
def short_look(policy) -> None:
    """A look that is over at once: whatever fails again, fails at a later look."""
    policy(look=0.0)


def found() -> tuple[int, int, int]:
    state = state_of(NAME)
    return state.calls, state.failures, state.in_a_row


def test_all_tries_of_one_look_count_in_the_window(policy, calls: Calls) -> None:
    policy(SHARE)
    calls.about("posting:1", *[BAD] * 10)
    assert state_of(NAME).state == State.OPEN


def test_in_a_row_stand_failures_of_different_work(calls: Calls) -> None:
    for number in range(4):
        calls.about(f"posting:{number}", *[BAD] * 3)
    assert (state_of(NAME).state, found()) == (State.CLOSED, (12, 12, 4))
    calls.about("posting:0", BAD)  # the same look goes on: it is none of the fifth
    assert state_of(NAME).state == State.CLOSED
    calls.about("posting:4", BAD)
    assert state_of(NAME).state == State.OPEN


def test_an_answer_ends_the_row_also_for_work_that_failed(calls: Calls) -> None:
    for number in range(4):
        calls.about(f"posting:{number}", BAD)
    calls.about("posting:3", GOOD, BAD)
    assert found() == (6, 5, 0)


@pytest.mark.usefixtures("short_look")
def test_the_same_work_counts_once_and_others_count(calls: Calls) -> None:
    calls.about("posting:1", *[BAD] * 30)
    assert found() == (1, 1, 1)
    for number in (2, 3, 4):
        calls.about(f"posting:{number}", *[BAD] * 2)
    assert state_of(NAME).state == State.CLOSED
    calls.one(BAD)  # a call that stands for itself
    assert state_of(NAME).state == State.OPEN


@pytest.mark.usefixtures("short_look")
def test_every_process_knows_what_has_failed_before(calls: Calls) -> None:
    calls.about("posting:1", BAD)
    Calls().about("posting:1", *[BAD] * 9)
    assert found() == (1, 1, 1)


@pytest.mark.usefixtures("short_look")
def test_an_answer_counts_whatever_failed_before(calls: Calls) -> None:
    calls.about("posting:1", BAD, GOOD)
    calls.make(*[BAD] * 4)
    assert state_of(NAME).state == State.CLOSED


def test_a_probe_for_work_that_failed_before_decides_nothing_and_frees_its_place(policy, calls: Calls) -> None:
    policy(look=0.0, open=0.05)
    calls.about("posting:1", BAD)
    calls.make(*[BAD] * 4)
    wait_until(lambda: state_of(NAME).state == State.HALF_OPEN)
    assert calls.about("posting:1", *[BAD] * 3) == 3
    assert (state_of(NAME).state, state_of(NAME).probing) == (State.HALF_OPEN, 0)
    calls.about("posting:2", BAD)
    assert state_of(NAME).state == State.OPEN
    wait_until(lambda: state_of(NAME).state == State.HALF_OPEN)
    calls.about("posting:3", GOOD)
    assert state_of(NAME).state == State.CLOSED


def test_threads_that_work_side_by_side_work_for_the_same(settings) -> None:
    settings.WORK_THREADS = 2
    with working_on("saga:1"):
        assert list(crew.each(lambda _step: current_work(), range(4), crew="steps of a test")) == ["saga:1"] * 4
    assert current_work() == ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("short_look")
def test_a_reset_remembers_what_failed_before(calls: Calls) -> None:
    calls.about("posting:1", BAD)
    breakers.reset(NAME, reason="they are well", actor="user:sari")
    calls.about("posting:1", *[BAD] * 9)
    assert found() == (0, 0, 0)
