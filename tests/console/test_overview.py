"""The front page: numbers that are links, and an honest word where nothing is known."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.template.loader import render_to_string

from opsconsole.console.overview import LastRun, Overview, Queue
from opsconsole.console.samples import sample_overview, unknown_overview
from opsconsole.console.tones import Tone

NOW = datetime(2026, 11, 20, 4, 42, 7, tzinfo=UTC)


def shown(overview: Overview) -> str:
    return render_to_string("console/overview_live.html", {"overview": overview})


def test_stuck_states_show_count_money_oldest_and_lead_to_their_list() -> None:
    html = shown(sample_overview(NOW))
    assert 'href="#list" data-row-link' in html
    assert "Payment unknown" in html
    assert "Rp\u00a04.210.000" in html
    assert "1d 02h" in html


def test_nothing_stuck_is_said_with_the_last_recovery() -> None:
    html = shown(replace(sample_overview(NOW), stuck=(), last_recovered_at=NOW))
    assert "Nothing hangs" in html
    assert "20 Nov 2026, 11:42:07 WIB" in html


def test_a_lost_database_is_never_an_empty_table() -> None:
    html = shown(unknown_overview(NOW))
    assert "Nothing hangs" not in html
    assert "Cannot know what hangs" in html
    assert html.count("PostgreSQL did not answer") == 9


def test_loop_that_missed_three_rounds_is_not_known_to_run() -> None:
    def loop(at: datetime | None) -> LastRun:
        return LastRun(name="ticker", duty="", at=at, every=timedelta(seconds=1), now=NOW)

    assert not loop(NOW - timedelta(seconds=3)).is_stale
    assert loop(NOW - timedelta(seconds=4)).is_stale
    assert loop(None).is_stale


def test_queue_without_a_worker_is_red_even_when_empty() -> None:
    assert Queue(name="act", depth=0, workers=0).tone == Tone.FAILED
    assert Queue(name="act", depth=3, workers=1).tone == Tone.ACTIVE
    assert Queue(name="act", depth=0, workers=1).tone == Tone.DONE
