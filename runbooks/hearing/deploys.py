"""What a pipeline says when it has put a version into service: `{"service", "version", "at", "text", "by"}`.

`at` is asked for: without it a version that goes live twice would be the same bytes, and count once.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runbooks.catalogue import service_named
from runbooks.hearing.heard import Strange, needed_instant, parse, short


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """`service` is a name of the catalogue, `actor` who or what put it there."""

    service: str
    version: str
    at: datetime
    actor: str
    text: str = ""


def read(raw: bytes) -> Deployed:
    """Raises Strange, also for a service that the catalogue does not know."""
    data = parse(raw)
    return Deployed(
        service=known_service(data.get("service")),
        version=_version(data.get("version")),
        at=needed_instant(data.get("at"), name="at"),
        actor=f"ci:{short(data.get('by')) or 'pipeline'}"[:80],
        text=short(data.get("text")),
    )


def known_service(given: Any) -> str:
    """By name or alias. Raises Strange."""
    found = service_named(short(given)) if short(given) else None
    if found is None:
        raise Strange(f"service {short(given)[:60]!r} is not in the catalogue")
    return found.name


def _version(given: Any) -> str:
    if not short(given).strip():
        raise Strange("no version")
    return short(given).strip()[:80]
