"""Config Service: operational cities and feature flags."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orders.resilience import Outcome, call
from orders.resilience.outcome import parsed

NAME = "config"


@dataclass(frozen=True, slots=True)
class City:
    """`ho_branch` is what Head Office calls the city."""

    name: str
    ho_branch: str
    services: tuple[str, ...]


def city_map(*, deadline: float | None = None) -> Outcome[dict[str, City]]:
    return parsed(call(NAME, "GET", "/v1/cities", deadline=deadline), by=_cities)


def flags(*, deadline: float | None = None) -> Outcome[dict[str, bool]]:
    outcome = call(NAME, "GET", "/v1/flags", deadline=deadline)
    return parsed(outcome, by=lambda data: {str(k): bool(v) for k, v in data["flags"].items()})


def _cities(data: Mapping[str, Any]) -> dict[str, City]:
    return {each["name"]: City(each["name"], each["ho_branch"], tuple(each["services"])) for each in data["cities"]}
