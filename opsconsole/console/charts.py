"""Small pictures of numbers, drawn on the server: no script, no style attribute, colour from the tone."""

from collections.abc import Sequence
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_WIDTH: Final = 132.0
_HEIGHT: Final = 28.0
_PAD: Final = 2.0


def sparkline(values: Sequence[float], *, label: str) -> SafeString:
    """A line over a faint area; empty text for fewer than two values. `label` says what it shows."""
    if len(values) < 2:
        return SafeString("")
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in _points(values))
    area = f"M{_PAD},{_HEIGHT} L{line.replace(' ', ' L')} L{_WIDTH - _PAD},{_HEIGHT} Z"
    return format_html(
        '<svg class="spark" viewBox="0 0 132 28" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path d="{}" fill="currentColor" opacity=".12"/>'
        '<polyline points="{}" fill="none" stroke="currentColor" stroke-width="1.6"'
        ' vector-effect="non-scaling-stroke"/></svg>',
        label,
        area,
        line,
    )


def bars(values: Sequence[float], *, label: str, limit: float | None = None) -> SafeString:
    """One column per value, the ones above `limit` marked as failed; empty text for no values."""
    if not values:
        return SafeString("")
    top = max([*values, limit or 0, 1])
    columns = format_html_join(
        "", "{}", ((_column(index, value / top, is_over=_is_over(value, limit)),) for index, value in enumerate(values))
    )
    return format_html(
        '<svg class="bars" viewBox="0 0 {} 40" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        len(values) * 10,
        label,
        columns,
    )


def meter(share: float, *, label: str) -> SafeString:
    """A filled part of a line; `share` between 0 and 1, cut off beyond."""
    filled = round(max(0.0, min(1.0, share)) * 100, 1)
    return format_html(
        '<svg class="meter" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect width="{}" height="6" fill="currentColor"/></svg>',
        label,
        filled,
    )


def _points(values: Sequence[float]) -> list[tuple[float, float]]:
    low, high = min(values), max(values)
    step = (_WIDTH - 2 * _PAD) / (len(values) - 1)
    room = _HEIGHT - 2 * _PAD
    spread = high - low
    return [
        (_PAD + index * step, _HEIGHT - _PAD - (room * (value - low) / spread if spread else room / 2))
        for index, value in enumerate(values)
    ]


def _is_over(value: float, limit: float | None) -> bool:
    return limit is not None and value > limit


def _column(index: int, share: float, *, is_over: bool) -> SafeString:
    height = max(1.0, share * 40)
    return format_html(
        '<rect x="{}" y="{}" width="8" height="{}" fill="currentColor"{}/>',
        index * 10 + 1,
        round(40 - height, 1),
        round(height, 1),
        SafeString(' class="over"') if is_over else "",
    )
