"""Reading the files of the catalogue, all of them or none."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pydantic import ValidationError

from runbooks.catalogue.schema import Service

FOLDER: Final = Path(__file__).parent / "services"


class Broken(Exception):
    """The files do not make a catalogue. The message has a line for each mistake, by file."""


def read(folder: Path = FOLDER) -> Mapping[str, Service]:
    """Services by name, which is that of their file. Raises Broken."""
    found: dict[str, Service] = {}
    mistakes: list[str] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            found[path.stem] = Service.model_validate({"name": path.stem, **tomllib.loads(path.read_text("utf-8"))})
        except (tomllib.TOMLDecodeError, ValidationError) as error:
            mistakes.append(f"{path.name}: {error}")
    mistakes += _mistakes_between(found)
    if mistakes:
        raise Broken("\n".join(mistakes))
    return MappingProxyType(found)


def _mistakes_between(found: Mapping[str, Service]) -> Iterator[str]:
    """Names that mean nothing, or two things; and a service that needs itself."""
    for name, service in found.items():
        for need in service.needs:
            if need.service not in found:
                yield f"{name}.toml: needs {need.service!r}, which has no file"
    names = [*found, *(alias for service in found.values() for alias in service.aliases)]
    yield from (f"{each!r} names two services" for each in sorted({n for n in names if names.count(n) > 1}))
    yield from (f"{name}.toml: needs itself by a ring" for name in found if _reaches(found, name, name))


def _reaches(found: Mapping[str, Service], start: str, goal: str) -> bool:
    seen: set[str] = set()
    left = [need.service for need in found[start].needs]
    while left:
        name = left.pop()
        if name == goal:
            return True
        if name not in seen and name in found:
            seen.add(name)
            left += [need.service for need in found[name].needs]
    return False


CATALOGUE: Final = read()
_BY_ALIAS: Final = {alias: service.name for service in CATALOGUE.values() for alias in (service.name, *service.aliases)}


def service_named(text: str) -> Service | None:
    """The service that a monitoring system calls so, in whatever case and with - or _; None for a stranger."""
    plain = text.strip().lower()
    for each in (plain, plain.replace("_", "-"), plain.replace("-", "_")):
        if each in _BY_ALIAS:
            return CATALOGUE[_BY_ALIAS[each]]
    return None
