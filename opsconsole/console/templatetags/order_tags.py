"""Names and stored sentences on the pages of one order."""

from datetime import date, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from opsconsole.console import formats, saga_words
from opsconsole.console.templatetags import ui
from orders import names
from orders.queries.phrases import retold

register = template.Library()


@register.filter
def system_name(name: str) -> str:
    """`midtrans` → Midtrans, `ho` → Head Office."""
    return names.system(name or "")


@register.filter
def method_name(name: str) -> str:
    """`va_bca` → BCA VA."""
    return names.method(name or "")


@register.filter
def saga_kind(kind: str) -> str:
    """`booking` → Booking."""
    return saga_words.kind_label(kind)


@register.filter
def day_name(on: date) -> str:
    """`20 Nov 2026`: a business day."""
    return formats.day(on)


@register.simple_tag
def fact(value: datetime | str) -> SafeString | str:
    """An instant in full, or a text as it is."""
    return ui.wib(value) if isinstance(value, datetime) else format_html("<code>{}</code>", value)


@register.filter
def told(text: str) -> SafeString | str:
    """What a machine wrote, in the reader's language; what nobody translated is marked as English."""
    said = retold(text or "")
    return said.text if said.is_known else format_html('<span lang="en">{}</span>', said.text)
