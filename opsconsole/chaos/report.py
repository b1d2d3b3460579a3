"""The report of a run, for people."""

from collections.abc import Iterator

from opsconsole.chaos.findings import LIVENESS, SAFETY
from opsconsole.chaos.run import Report

MOST_SHOWN = 12


def lines(report: Report) -> Iterator[str]:
    request, figures = report.request, report.figures
    planted = f", with the bug {request.bug} planted" if request.bug else ""
    yield f"chaos, seed {request.seed}, {request.seconds:g} s of faults{planted}"
    yield ""
    yield f"  orders      {figures['placed']} placed of {figures['asked_for']} asked for: {_told(figures['orders'])}"
    yield f"  outside     {_told(figures['effects'])}"
    answers = _told(figures["answers"])
    yield f"  callbacks   {figures['callbacks']} ({figures['forged']} forged, {figures['dropped']} dropped): {answers}"
    yield f"  people      {figures['late_regrets']} late cancels, {figures['goodwill_refunds']} goodwill refunds"
    opened, lost = figures["breakers_opened"], figures["commit_answers_lost"]
    yield f"  inside      {opened} times a breaker opened, {lost} answers of COMMITs lost"
    yield f"  accidents   {_told(dict(sorted(report.accidents.items())))}"
    yield f"  took        {_told({name: f'{seconds:g} s' for name, seconds in report.seconds.items()})}"
    yield f"  with people {_told(dict(sorted(report.tasks.items()))) or 'nothing'}"
    for title, kinds in (("Safety", SAFETY), ("Liveness", LIVENESS)):
        yield ""
        yield f"{title}: {'holds' if not any(report.counts[kind] for kind in kinds) else 'VIOLATED'}"
        for kind, meaning in kinds.items():
            count = report.counts[kind]
            yield f"  {count:>5}  {kind}" + (f": {meaning}" if count else "")
            yield from _examples(report, kind)
    if report.findings:
        yield ""
        yield f"Run it again with --seed {request.seed} (processes are not deterministic; the schedule is)."


def _examples(report: Report, kind: str) -> Iterator[str]:
    those = [each for each in report.findings if each.kind == kind]
    for each in those[:MOST_SHOWN]:
        yield f"           {each.subject}: {each.what}"
    if len(those) > MOST_SHOWN:
        yield f"           and {len(those) - MOST_SHOWN} more"


def _told(counts: dict[str, object]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
