"""Rows of the stuck list: each is drawn once for as long as it looks the same."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from django import template
from django.template.loader import get_template
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from opsconsole.console import formats
from opsconsole.console.stuck_rows import Row
from opsconsole.console.templatetags.ui import is_red

register = template.Library()

KEPT: Final = 2000  # rows, about 4 MB: forty pages


@dataclass(frozen=True, slots=True)
class Look:
    """All that decides how a row is drawn, beside the row itself: the reader's language, page and rights, and its age
    in words. A row that is drawn the same is the same."""

    language: str | None
    may_pick: bool
    is_open: bool
    peek_base: str
    back_query: str
    age: str
    is_red: bool


@register.simple_tag(takes_context=True)
def stuck_row(context: dict[str, Any], row: Row) -> SafeString:
    """A refresh, and the next reader, see mostly the rows that the one before saw: half a page's work is saved."""
    screen = context["screen"]
    age, red = _age(row, screen.list.at)
    return _drawn(
        row,
        Look(
            language=get_language(),
            may_pick=bool(context.get("may_pick")),
            is_open=row.code == screen.asked.peek,
            peek_base=screen.peek_base,
            back_query=context["back_query"],
            age=age,
            is_red=red,
        ),
    )


def _age(row: Row, now: datetime) -> tuple[str, bool]:
    if row.since is None:
        return "", False
    span = now - row.since
    return formats.duration(span), is_red(span, row.limit)


@lru_cache(maxsize=KEPT)
def _drawn(row: Row, look: Look) -> SafeString:
    return SafeString(get_template("console/stuck/row.html").render({"row": row, "look": look}))
