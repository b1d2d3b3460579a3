import logging
import threading

from opsconsole.traffic.agenda import Agenda


def test_tasks_are_done_in_the_order_of_their_times() -> None:
    done: list[str] = []
    with Agenda(hands=1) as agenda:
        agenda.after(0.1, lambda: done.append("later"))
        agenda.after(0.0, lambda: done.append("now"))
        assert agenda.wait_until_empty(seconds=10)

    assert done == ["now", "later"]


def test_a_task_that_fails_is_logged_and_the_others_go_on(caplog) -> None:
    done = threading.Event()
    with caplog.at_level(logging.ERROR), Agenda(hands=1) as agenda:
        agenda.after(0.0, lambda: 1 / 0)
        agenda.after(0.0, done.set)
        assert agenda.wait_until_empty(seconds=10)

    assert done.is_set()
    assert "ZeroDivisionError" in caplog.text


def test_leaving_drops_what_has_not_begun() -> None:
    done: list[str] = []
    with Agenda(hands=1) as agenda:
        agenda.after(3600, lambda: done.append("never"))
        assert agenda.size == 1

    assert done == []


def test_waiting_ends_with_its_time() -> None:
    with Agenda(hands=1) as agenda:
        agenda.after(3600, lambda: None)
        assert not agenda.wait_until_empty(seconds=0.05)
