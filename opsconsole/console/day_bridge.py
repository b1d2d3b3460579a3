"""A bridge as rows of a table and as a picture: bars that begin where the one before them ended."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from opsconsole.console import formats
from opsconsole.console.day_words import MEANINGS, ORDER, TOTALS, step_label, step_tone
from opsconsole.console.tones import Tone
from reconciliation.day_states import Book, Step
from reconciliation.models import DayFigure

ROW: Final = 38  # px of the picture for one row
_ZOOM: Final = 0.1  # differences smaller than this share of the totals are shown on an axis of their own


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the bridge. `begins` and `ends` are what the money comes to before and after it, in minor units;
    `by_gateway` its amounts in the order of the bridge's gateways, None where it does not occur."""

    book: str
    step: str
    label: str | Promise
    meaning: str | Promise
    tone: Tone
    amount: int
    lines: int
    begins: int
    ends: int
    is_total: bool
    by_gateway: Sequence[int | None]

    @property
    def is_part(self) -> bool:
        """What the first total is made of."""
        return self.book == Book.GATEWAY and not self.is_total


def rows_of(figures: Sequence[DayFigure], gateways: Sequence[str]) -> Sequence[Row]:
    """The bridge in one currency over these gateways; steps that come to nothing everywhere are left out."""
    wanted = [figure for figure in figures if figure.gateway in gateways]
    of: dict[tuple[str, str], dict[str, DayFigure]] = defaultdict(dict)
    for figure in wanted:
        of[figure.book, figure.step][figure.gateway] = figure
    return list(_laid_out(of, gateways)) if wanted else []


def _laid_out(of: Mapping[tuple[str, str], Mapping[str, DayFigure]], gateways: Sequence[str]) -> Iterator[Row]:
    at = 0
    for book in Book:
        steps = (
            [Step.TOTAL] if book in (Book.OURS, Book.HO) else [*ORDER, *([Step.TOTAL] if book == Book.GATEWAY else [])]
        )
        for step in steps:
            found = of.get((book, step), {})
            if step != Step.TOTAL and not any(figure.amount or figure.lines for figure in found.values()):
                continue
            row = _row(book, step, found, gateways, at)
            at = row.ends
            yield row


def _row(book: str, step: str, found: Mapping[str, DayFigure], gateways: Sequence[str], at: int) -> Row:
    amount = sum(figure.amount for figure in found.values())
    is_total = step == Step.TOTAL
    return Row(
        book=book,
        step=step,
        label=TOTALS[book] if is_total else step_label(step),
        meaning=MEANINGS.get(step, ""),
        tone=Tone.NEUTRAL if is_total else step_tone(step),
        amount=amount,
        lines=sum(figure.lines for figure in found.values()),
        begins=0 if is_total else at,
        ends=amount if is_total else at + amount,
        is_total=is_total,
        by_gateway=[found[each].amount if each in found else None for each in gateways],
    )


def picture(rows: Sequence[Row], *, currency: str, label: str) -> SafeString:
    """Horizontal bars, one a row; the words stand above their bar, so that it can be read at any width and in print."""
    if not rows:
        return SafeString("")
    low, high = _axis(rows)
    scale = 100 / (high - low or 1)
    parts = format_html_join("", "{}", ((_bar(row, index, low, scale, currency),) for index, row in enumerate(rows)))
    return format_html(
        '<svg class="bridge" width="100%" height="{}" role="img" aria-label="{}">{}</svg>',
        len(rows) * ROW + 2,
        label,
        parts,
    )


def is_zoomed(rows: Sequence[Row]) -> bool:
    return bool(rows) and _axis(rows)[0] > 0


def _axis(rows: Sequence[Row]) -> tuple[int, int]:
    """From zero, unless that would make every difference too small to see."""
    ends = [value for row in rows for value in ((row.ends,) if row.is_total else (row.begins, row.ends))]
    after_start = ends[1:] if len(ends) > 1 else ends
    low, high = min(after_start), max(after_start)
    if low > 0 and high - low < _ZOOM * high and high > low:
        return max(0, low - (high - low) // 4), max(ends)
    return min(0, *ends), max(0, *ends)


def _bar(row: Row, index: int, low: int, scale: float, currency: str) -> SafeString:
    begin = max(low, row.begins) if row.is_total else row.begins
    left, right = sorted(((max(begin, low) - low) * scale, (max(row.ends, low) - low) * scale))
    top = index * ROW
    return format_html(
        '<g data-tone="{}"{}><text x="0" y="{}">{}</text><text x="100%" y="{}" text-anchor="end">{}</text>'
        '<rect x="0" y="{}" width="100%" height="10" class="lane"/><rect x="{}%" y="{}" width="{}%" height="10"/></g>',
        row.tone,
        SafeString(' class="total"') if row.is_total else "",
        top + 14,
        row.label,
        top + 14,
        _signed(row, currency),
        top + 20,
        f"{left:.2f}",
        top + 20,
        f"{max(right - left, 0.4):.2f}",
    )


def _signed(row: Row, currency: str) -> str:
    text = formats.money(row.amount, currency=currency)
    return f"+{text}" if row.amount > 0 and not row.is_total else text


def summary(rows: Iterable[Row], *, currency: str) -> str:
    """The picture in words, for those who do not see it."""
    parts = [f"{row.label} {_signed(row, currency)}" for row in rows]
    return _("Bridge: %(steps)s.") % {"steps": "; ".join(parts)}
