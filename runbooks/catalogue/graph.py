"""Who is hurt when a service fails: pure answers over the needs of the catalogue."""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from runbooks.catalogue.reading import CATALOGUE
from runbooks.catalogue.schema import How, Service


class Hurt(StrEnum):
    DOWN = "down"
    LESS = "less"  # goes on with less


def spread(failed: Iterable[str], services: Mapping[str, Service] = CATALOGUE) -> Mapping[str, Hurt]:
    """What becomes of every service that is hurt when `failed` are away, these included.

    Goes round until nothing changes: a service is down when one that it must have is down, or all of several of
    which it needs one; it goes on with less when anything else that it needs is hurt.
    """
    hurt = {name: Hurt.DOWN for name in failed if name in services}
    changed = True
    while changed:
        changed = False
        for name, service in services.items():
            now = _hurt(service, hurt)
            if now is not None and hurt.get(name) not in (now, Hurt.DOWN):
                hurt[name] = now
                changed = True
    return hurt


def _hurt(service: Service, hurt: Mapping[str, Hurt]) -> Hurt | None:
    hard = [hurt.get(need.service) for need in service.needs if need.how == How.HARD]
    one_of = [hurt.get(need.service) for need in service.needs if need.how == How.ONE_OF]
    if Hurt.DOWN in hard or (one_of and all(each == Hurt.DOWN for each in one_of)):
        return Hurt.DOWN
    return Hurt.LESS if any(need.service in hurt for need in service.needs) else None


def blast_of(failed: Iterable[str], services: Mapping[str, Service] = CATALOGUE) -> int:
    """Per cent of the platform that is lost: the largest radius among the services that are down. Radii overlap,
    so they are never added."""
    down = [name for name, hurt in spread(failed, services).items() if hurt == Hurt.DOWN]
    return max((services[name].blast_radius for name in down), default=0)


def needs_of(name: str, services: Mapping[str, Service] = CATALOGUE) -> set[str]:
    """Whom it needs, directly or by way of another."""
    found: set[str] = set()
    left = [name]
    while left:
        more = {need.service for need in services[left.pop()].needs if need.service in services} - found
        found |= more
        left += more
    return found


def needed_by(name: str, services: Mapping[str, Service] = CATALOGUE) -> list[str]:
    """Who needs it directly."""
    return [each.name for each in services.values() if any(need.service == name for need in each.needs)]


def feeders_of(name: str, services: Mapping[str, Service] = CATALOGUE) -> set[str]:
    """All that it needs, directly and behind those."""
    found: set[str] = set()
    left = [need.service for need in services[name].needs] if name in services else []
    while left:
        each = left.pop()
        if each not in found:
            found.add(each)
            left += [need.service for need in services[each].needs]
    return found
