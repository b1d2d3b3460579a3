"""Components small enough to be a tag. Everything larger is an include of `templates/parts/`."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any, Final

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from opsconsole.console import charts, formats, personal
from opsconsole.console.tones import Tone, label_of, tone_of

register = template.Library()

SPRITE: Final = "console/icons/sprite.svg"
RED_PAST: Final = 8  # times the limit: if all is red, nothing is


@register.simple_tag
def icon(name: str, *, small: bool = False) -> SafeString:
    """A Lucide icon of the sprite. Decoration only: the words beside it carry the meaning."""
    size = "i small" if small else "i"
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}#i-{}"/></svg>', size, _sprite(), name)


@register.simple_tag
def glyph(tone: str) -> SafeString:
    """The shape of a tone, for lists that say the state in words beside it."""
    return format_html('<svg class="g" aria-hidden="true"><use href="{}#g-{}"/></svg>', _sprite(), Tone(tone))


@cache
def _sprite() -> str:
    """A list names it a hundred times; its address stays as it is while the process runs."""
    return static(SPRITE)


@register.simple_tag
def badge(machine: str, state: str, *, late: bool = False) -> SafeString:
    """State of a machine as a pill: `{% badge "order" order.state late=order.is_stuck %}`."""
    return pill(label_of(machine, state), tone_of(machine, state, is_late=late))


@register.simple_tag
def pill(label: str | Promise, tone: str) -> SafeString:
    """A pill that is no machine's state: a breaker, a queue, a run."""
    return _pill(str(label), tone)


@lru_cache(maxsize=512)
def _pill(label: str, tone: str) -> SafeString:
    return format_html('<span class="badge" data-tone="{}">{}{}</span>', tone, glyph(tone), label)


@register.simple_tag
def sev(priority: int) -> SafeString:
    """P0 to P3 as a solid square, never the shape of a state."""
    return format_html('<span class="sev" data-sev="{0}">P{0}</span>', priority)


@register.filter
def money(amount: int | None, currency: str = "IDR") -> str:
    """`{{ order.amount|money:order.currency }}`; an unknown sum is a dash, never a zero."""
    return "–" if amount is None else formats.money(amount, currency=currency)


@register.filter
def wib(at: datetime | None) -> SafeString | str:
    """An instant, in full: `20 Nov 2026, 11:42:07 WIB`."""
    return "–" if at is None else _time(at, formats.wib(at))


@register.filter
def wib_short(at: datetime | None) -> SafeString | str:
    """`11:42:07`, where a divider or a column head gives day and zone; the full instant on hover."""
    return "–" if at is None else _time(at, formats.wib_clock(at))


@register.filter
def wib_time(at: datetime | None) -> SafeString | str:
    """`11:42:07 WIB`, within a sentence; the full instant on hover."""
    return "–" if at is None else _time(at, f"{formats.wib_clock(at)} WIB")


@register.filter
def wib_day(at: datetime) -> str:
    return formats.wib_day(at)


@register.filter
def duration(span: timedelta | None) -> str:
    """`1d 02h`, in Indonesian `1 hari 02 jam`."""
    return "–" if span is None else formats.duration(span)


@register.filter
def ticking(span: timedelta) -> str:
    """`4:32`, `1:04:32`: what is left on a clock, to the second, in every language the same."""
    minutes, seconds = divmod(max(0, int(span.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


@register.simple_tag
def age(since: datetime | None, *, now: datetime | None = None, limit: timedelta | None = None) -> SafeString:
    """How long something lasts, the instant on hover; red only past eight times its limit."""
    if since is None:
        return aged(None, "")
    span = (now or timezone.now()) - since
    return aged(since, formats.duration(span), is_red=is_red(span, limit))


@register.simple_tag
def aged(since: datetime | None, text: str, *, is_red: bool = False) -> SafeString:
    """The same of a span that was put into words before."""
    if since is None:
        return SafeString('<span class="muted">–</span>')
    return format_html(
        '<time class="{}" datetime="{}" title="{}">{}</time>',
        "age late" if is_red else "age",
        formats.iso(since),
        formats.wib(since),
        text,
    )


def is_red(span: timedelta, limit: timedelta | None) -> bool:
    return limit is not None and span > RED_PAST * limit


@register.simple_tag
def kbd(key: str) -> SafeString:
    return format_html("<kbd>{}</kbd>", key)


@register.filter
def masked(text: str, kind: str) -> str:
    """`{{ order.customer_phone|masked:"phone" }}`: phone, email or name."""
    return personal.masked(text or "", kind=kind)


@register.simple_tag
def sparkline(values: Sequence[float], label: str | Promise) -> SafeString:
    return charts.sparkline(values, label=str(label))


@register.simple_tag
def bars(values: Sequence[float], label: str | Promise, *, limit: float | None = None) -> SafeString:
    return charts.bars(values, label=str(label), limit=limit)


@register.simple_tag
def meter(share: float, label: str | Promise) -> SafeString:
    return charts.meter(share, label=str(label))


@register.simple_tag
def owner(name: str = "") -> SafeString:
    """A person as initials, an empty ring when it is nobody's."""
    if not name:
        return format_html('<span class="owner none" title="{0}"><span class="sr">{0}</span>–</span>', _("No owner"))
    return format_html(
        '<span class="owner" title="{0}"><span aria-hidden="true">{1}</span><span class="sr">{0}</span></span>',
        name,
        initials(name),
    )


@register.filter
def initials(name: str) -> str:
    """`Sari Wulandari` → `SW`, `agus` → `AG`."""
    words = name.split()
    letters = "".join(word[0] for word in words[:2]) if len(words) > 1 else name[:2]
    return letters.upper()


@register.simple_tag
def copyable(text: str, *, label: str | Promise = "") -> SafeString:
    """An id or a code with a button that copies it."""
    return format_html(
        '<span class="copy"><code>{0}</code><button type="button" data-copy="{0}" aria-label="{1}">{2}</button></span>',
        text,
        label or _("Copy %(text)s") % {"text": text},
        icon("copy", small=True),
    )


@register.simple_tag
def moneys(sums: Sequence[tuple[int, str]]) -> SafeString:
    """Sums of several currencies side by side; they are never added."""
    return format_html_join(" + ", '<span class="nowrap">{}</span>', ((formats.money(a, currency=c),) for a, c in sums))


@register.simple_tag
def counted_orders(count: int) -> str:
    return ngettext("%(count)d order", "%(count)d orders", count) % {"count": count}


@register.simple_tag
def live(url: str) -> SafeString:
    """Attributes of an element that keeps itself fresh: the script fires `live` every five seconds."""
    return format_html(
        'data-live hx-get="{}" hx-trigger="live consume" hx-swap="morph:outerHTML" hx-target="this"'
        ' hx-sync="this:drop"',
        url,
    )


@register.simple_tag
def field_error(field: Any) -> SafeString:
    """What is wrong with a form's field, tied to its input by id; nothing when it is right."""
    if not field.errors:
        return SafeString("")
    return format_html(
        '<span class="wrong" id="{}_wrong">{}{}</span>', field.auto_id, glyph(Tone.FAILED), " ".join(field.errors)
    )


@register.simple_tag
def languages() -> list[tuple[str, str, str]]:
    """(code, short, name) of every language of the product."""
    return [(code, code.upper(), str(name)) for code, name in settings.LANGUAGES]


def _time(at: datetime, text: str) -> SafeString:
    return format_html('<time datetime="{}" title="{}">{}</time>', formats.iso(at), formats.wib(at), text)
