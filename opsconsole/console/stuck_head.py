"""The figures over the stuck list: always of everything that hangs, so that no filter makes it look small."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from opsconsole.console.formats import WIB, duration, money
from opsconsole.console.overview import Figure
from opsconsole.console.tones import Tone
from orders.money import MINUS
from orders.queries.stuck.board import Board
from orders.queries.stuck.course import Course, Moment

RUPIAH = "IDR"


def figures(board: Board, course: Course, *, now: datetime, address: str) -> list[tuple[Promise, Figure]]:
    """Five figures with their line over the last day, as far as somebody looked."""
    return [
        (gettext_lazy("Stuck now"), _stuck_now(board, course, address)),
        (gettext_lazy("Paid and stuck"), _paid(board, course, address)),
        (gettext_lazy("Money held"), _money(board, course, address)),
        (gettext_lazy("Oldest"), _oldest(board, course, now, address)),
        (gettext_lazy("Recovered today"), _recovered(course)),
    ]


def day_began(now: datetime) -> datetime:
    """Midnight of the business day, in WIB."""
    return now.astimezone(WIB).replace(hour=0, minute=0, second=0, microsecond=0)


def main_sum(sums: Mapping[str, int]) -> tuple[str, str]:
    """The sum people think in, and the others beside it: rupiah first, other currencies never added."""
    ordered = sorted(sums.items(), key=lambda pair: (pair[0] != RUPIAH, -pair[1]))
    texts = [money(amount, currency=currency) for currency, amount in ordered]
    return (texts[0] if texts else money(0)), " + ".join(texts[1:])


def _stuck_now(board: Board, course: Course, address: str) -> Figure:
    count = board.everything.count
    before = course.hour_ago.count if course.hour_ago else None
    return Figure(
        text=grouped(count),
        change=_change(count, before),
        note=_vs() if before is not None else "",
        series=_series(course, lambda moment: moment.count),
        tone=Tone.ATTENTION if count else Tone.DONE,
        href=address,
    )


def _paid(board: Board, course: Course, address: str) -> Figure:
    count = board.everything.paid_count
    before = course.hour_ago.paid_count if course.hour_ago else None
    return Figure(
        text=grouped(count),
        change=_change(count, before),
        note=_vs() if before is not None else "",
        series=_series(course, lambda moment: moment.paid_count),
        tone=Tone.FAILED if count else Tone.DONE,
        href=f"{address}?view=paid",
    )


def _money(board: Board, course: Course, address: str) -> Figure:
    """What customers have paid and not got."""
    sums = board.everything.paid_money
    text, others = main_sum(sums)
    currency = RUPIAH if RUPIAH in sums or not sums else max(sums, key=lambda each: sums[each])
    before = course.hour_ago.paid_money.get(currency, 0) if course.hour_ago else None
    change = _sum_change(sums.get(currency, 0), before, currency)
    return Figure(
        text=text,
        change=change,
        note=f"+ {others}" if others else _vs() if before is not None else "",
        series=_series(course, lambda moment: moment.paid_money.get(currency, 0)),
        tone=Tone.ATTENTION if sums else Tone.DONE,
        href=f"{address}?view=paid",
    )


def _oldest(board: Board, course: Course, now: datetime, address: str) -> Figure:
    since = board.everything.oldest
    return Figure(
        text=duration(now - since) if since else "–",
        note=board.oldest,
        series=_series(course, lambda moment: moment.oldest_seconds),
        tone=Tone.FAILED if since and now - since > timedelta(days=1) else Tone.ATTENTION if since else Tone.DONE,
        href=f"{address}?{urlencode({'peek': board.oldest})}" if since else "",
    )


def _recovered(course: Course) -> Figure:
    alone = course.recovered - course.recovered_by_hand
    share = round(100 * alone / course.recovered) if course.recovered else None
    return Figure(
        text=grouped(course.recovered) if course.moments else "–",
        change=f"{share}%" if share is not None else "",
        note=_("without a person") if share is not None else "" if course.moments else _("nobody has counted yet"),
        series=_series(course, lambda moment: moment.recovered),
        tone=Tone.DONE,
    )


def grouped(count: int) -> str:
    """`1.729`: in both languages as money is."""
    return f"{count:,}".replace(",", ".")


def _series(course: Course, value: Callable[[Moment], float]) -> tuple[float, ...]:
    return tuple(float(value(moment)) for moment in course.moments)


def _vs() -> str:
    return _("vs 1 h ago")


def _change(now: int, before: int | None) -> str:
    if before is None:
        return ""
    if now == before:
        return "±0"
    return f"+{grouped(now - before)}" if now > before else f"{MINUS}{grouped(before - now)}"


def _sum_change(now: int, before: int | None, currency: str) -> str:
    if before is None:
        return ""
    if now == before:
        return "±0"
    return f"{'+' if now > before else ''}{money(now - before, currency=currency)}"
