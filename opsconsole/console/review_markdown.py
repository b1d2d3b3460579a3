"""A review as Markdown, to be kept where the team keeps such things."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from opsconsole.console.formats import duration, wib
from runbooks.incident_states import Severity


def as_markdown(context: Mapping[str, Any]) -> str:
    """From what the page of a review shows."""
    incident = context["incident"]
    parts = [
        f"# {incident.code} {_escaped(incident.says)}",
        _facts(context),
        *(f"## {label}\n\n{text.strip() or '–'}" for _name, label, text in context["texts"]),
        _impact(context),
        _timeline(context),
        _items(context),
    ]
    return "\n\n".join(parts) + "\n"


def _facts(context: Mapping[str, Any]) -> str:
    incident = context["incident"]
    rows = [
        (_("Severity"), Severity(incident.severity).label),
        (_("What"), context["headline"]),
        (_("Led by"), context["commander"] or "–"),
        (_("Wrong since"), wib(incident.began_at)),
        (_("Taken"), wib(incident.acknowledged_at) if incident.acknowledged_at else "–"),
        (_("Over"), wib(incident.resolved_at) if incident.resolved_at else "–"),
    ]
    return "\n".join(f"- **{name}:** {_escaped(str(value))}" for name, value in rows)


def _impact(context: Mapping[str, Any]) -> str:
    at = wib(context["review"].drafted_at)
    title = _("Impact, counted %(at)s") % {"at": at}
    lines = "\n".join(f"| {label} | {value} |" for label, value in context["impact"])
    return f"## {title}\n\n| | |\n|---|---|\n{lines}"


def _timeline(context: Mapping[str, Any]) -> str:
    lines = "\n".join(
        f"| {t_plus(moment.after)} | {wib(moment.at)} | {_escaped(moment.text)} | {_escaped(moment.actor)} |"
        for moment in context["moments"]
    )
    return f"## {_('Timeline')}\n\n| T+ | WIB | | |\n|---|---|---|---|\n{lines}"


def _items(context: Mapping[str, Any]) -> str:
    lines = "\n".join(
        f"- [{'x' if item.state == 'done' else ' '}] {_escaped(item.text)}"
        f" ({kind}, {owner}, {item.due_on:%Y-%m-%d}, {state})"
        for item, kind, state, _tone, owner, _late in context["items"]
    )
    return f"## {_('Action items')}\n\n{lines or '–'}"


def t_plus(after: timedelta) -> str:
    return f"T−{duration(-after)}" if after < timedelta(0) else f"T+{duration(after)}"


def _escaped(text: str) -> str:
    """What would end a cell or begin markup."""
    plain = " ".join(text.split())
    return plain.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")
