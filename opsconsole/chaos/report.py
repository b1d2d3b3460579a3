"""The report of a run, for people: what happened, what was found, and one line that says how it ended."""

import os
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from opsconsole.chaos.findings import LIVENESS, SAFETY
from opsconsole.chaos.run import Report

MOST_SHOWN = 12
WIDTH = 112
LABEL = 14


def lines(report: Report) -> Iterator[str]:
    """The verdict is the last line, where the eye is when a long run has ended."""
    request = report.request
    planted = f", with the bug {request.bug} planted" if request.bug else ""
    yield f"chaos, seed {request.seed}, {request.seconds:g} s of faults{planted}"
    yield ""
    for label, text in _story(report):
        yield from textwrap.wrap(
            f"  {label:<{LABEL - 2}}{text}", WIDTH, subsequent_indent=" " * LABEL, break_on_hyphens=False
        )
    for title, kinds in (("Safety", SAFETY), ("Liveness", LIVENESS)):
        yield ""
        yield f"{title}: {_word(report, kinds)}"
        yield from _found(report, kinds)
    yield ""
    yield "For docs/chaos.md:"
    yield as_row(report)
    yield ""
    yield from _verdict(report)


def as_row(report: Report) -> str:
    """The run as a row of the table of figures in docs/chaos.md."""
    request, figures = report.request, report.figures
    cells = (
        f"{request.seed}{f', {request.bug}' if request.bug else ''}",
        f"{request.seconds:g} s",
        f"{figures['placed']} of {figures['asked_for']}",
        figures["effects"]["charged"],
        f"{figures['callbacks']} ({figures['forged']}, {figures['dropped']})",
        sum(report.accidents.values()),
        f"{report.seconds['settled']:.0f} s",
        _in_a_cell(report, SAFETY),
        _in_a_cell(report, LIVENESS),
        _told(dict(sorted(report.tasks.items()))) or "nothing",
    )
    return f"| {' | '.join(map(str, cells))} |"


def _story(report: Report) -> Iterator[tuple[str, str]]:
    figures, took = report.figures, report.seconds
    yield "orders", f"{figures['placed']} placed of {figures['asked_for']} asked for: {_told(figures['orders'])}"
    yield "outside", _told(figures["effects"])
    sent = f"{figures['callbacks']} ({figures['forged']} forged, {figures['dropped']} dropped)"
    yield "callbacks", f"{sent}; answered {_told(figures['answers'])}"
    late = f"{figures['late_cancels']} customers cancelled too late, {figures['late_cancels_taken']} were let"
    yield "people", f"{late}; {figures['goodwill_refunds']} goodwill refunds"
    opened, lost = figures["breakers_opened"], figures["commit_answers_lost"]
    yield "inside", f"{opened} times a breaker opened, {lost} answers of COMMITs lost"
    if "flood" in figures:
        yield "storm", _storm(figures)
    yield "accidents", f"{sum(report.accidents.values())}: {_told(dict(sorted(report.accidents.items())))}"
    yield "took", ", ".join(f"{name} after {seconds:g} s" for name, seconds in took.items())
    yield "machine", f"{os.cpu_count()} cores, load average {os.getloadavg()[1]:.1f} over the last five minutes"
    yield "with people", _told(dict(sorted(report.tasks.items()))) or "nothing"


def _storm(figures: Mapping[str, Any]) -> str:
    flood, failover = figures["flood"], figures["failover_seconds"]
    told = f"{flood['accepted']} of {flood['wanted']} callbacks accepted ({flood['messages']} messages, "
    told += f"{flood['repeated']} repeated, {flood['reordered']} overtaken) in {flood['tries']} tries; "
    told += f"longest time without a yes {flood['longest_gap']} s"
    return told + (f"; the replica took over within {failover} s" if failover is not None else "")


def _found(report: Report, kinds: Mapping[str, str]) -> Iterator[str]:
    """What was found first, each with its meaning and examples; what was looked for in vain in one line."""
    for kind, meaning in kinds.items():
        if report.counts[kind]:
            yield f"  {report.counts[kind]:>5}  {kind}: {meaning}"
            yield from _examples(report, kind)
    none = [kind for kind in kinds if not report.counts[kind]]
    if none:
        yield from textwrap.wrap(f"      0  {', '.join(none)}", WIDTH, subsequent_indent=" " * 9)


def _examples(report: Report, kind: str) -> Iterator[str]:
    those = [each for each in report.findings if each.kind == kind]
    for each in those[:MOST_SHOWN]:
        yield f"           {each.subject}: {each.what}"
    if len(those) > MOST_SHOWN:
        yield f"           and {len(those) - MOST_SHOWN} more"


def _verdict(report: Report) -> Iterator[str]:
    safety, liveness = _word(report, SAFETY), _word(report, LIVENESS)
    if report.findings:
        yield f"Again: --seed {report.request.seed} (processes are not deterministic; the schedule is)."
    caught = f" The bug {report.request.bug} was {'caught' if report.findings else 'NOT caught'}."
    yield f"Verdict: safety {safety}, liveness {liveness}.{caught if report.request.bug else ''}"


def _word(report: Report, kinds: Mapping[str, str]) -> str:
    return "VIOLATED" if any(report.counts[kind] for kind in kinds) else "holds"


def _in_a_cell(report: Report, kinds: Mapping[str, str]) -> str:
    found = {kind: report.counts[kind] for kind in kinds if report.counts[kind]}
    return _told(found) if found else f"0 of {len(kinds)} kinds"


def _told(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
