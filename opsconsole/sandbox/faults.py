"""What may go wrong with a neighbour, as settings that change at run time."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


class UnknownFault(Exception):
    """A name or a value that is not a fault setting."""


@dataclass(slots=True)
class CallbackFaults:
    """Probabilities, except `delay_seconds` (seconds of the simulated world)."""

    drop: float = 0.0
    double: float = 0.0
    delay: float = 0.0
    delay_seconds: float = 300.0
    reorder: float = 0.0
    forge: float = 0.0


@dataclass(slots=True)
class Faults:
    """Probabilities are 0-1 per call; `latency`, `jitter`, `late_seconds`, `drip_seconds` are
    seconds on the wall clock, because they race against our own time limits.

    - `down`: nothing listens on the port.
    - `error_rate` / `error_after_rate`: 500 before / after the effect.
    - `timeout_rate`: no effect and no answer. `timeout_after_success`: effect, no answer.
    - `late_effect`: no answer, and the effect comes `late_seconds` later.
    - `reset_rate` / `reset_after_rate`: connection reset before / after the effect.
    - `drip`: the answer comes a byte at a time over `drip_seconds`.
    - `reject`: a refusal in the neighbour's own words (`reject_code`, `reject_status`).
    - `driver_cancels`, `stuck_trips`: fate of trips; `refund_fails`: a refund accepted, then not
      carried out.
    - `providers_off`: providers of the Notification Center that cannot be reached; `bounces`: a message
      accepted, then not delivered.
    - `only`: the operations concerned, empty for all. `sticky`: an order is either always or never
      hit, instead of each call anew.
    """

    down: bool = False
    latency: float = 0.0
    jitter: float = 0.0
    error_rate: float = 0.0
    error_after_rate: float = 0.0
    timeout_rate: float = 0.0
    timeout_after_success: float = 0.0
    late_effect: float = 0.0
    late_seconds: float = 2.0
    reset_rate: float = 0.0
    reset_after_rate: float = 0.0
    drip: float = 0.0
    drip_seconds: float = 30.0
    reject: float = 0.0
    reject_code: str = ""
    reject_status: int = 0
    driver_cancels: float = 0.0
    stuck_trips: float = 0.0
    refund_fails: float = 0.0
    bounces: float = 0.0
    providers_off: list[str] = field(default_factory=list)
    only: list[str] = field(default_factory=list)
    sticky: bool = False
    callbacks: CallbackFaults = field(default_factory=CallbackFaults)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


# The first that hits decides a call; the order is the order of the drawing.
DRAWN = {
    "error": "error_rate",
    "error_after": "error_after_rate",
    "timeout": "timeout_rate",
    "timeout_after_success": "timeout_after_success",
    "late_effect": "late_effect",
    "reset": "reset_rate",
    "reset_after": "reset_after_rate",
    "drip": "drip",
    "reject": "reject",
}


def changed(faults: Faults, *, by: Mapping[str, Any]) -> Faults:
    """The settings with some of them replaced. Raises UnknownFault."""
    callbacks = asdict(faults.callbacks) | _checked(by.get("callbacks", {}), kind=CallbackFaults)
    own = {name: getattr(faults, name) for name in Faults.__slots__ if name != "callbacks"}
    own |= _checked({k: v for k, v in by.items() if k != "callbacks"}, kind=Faults)
    return Faults(**own, callbacks=CallbackFaults(**callbacks))


def _checked(given: Any, *, kind: type[Faults] | type[CallbackFaults]) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise UnknownFault("an object is wanted")
    known = {each.name: each.type for each in fields(kind)}
    return {name: _value(name, given=value, wanted=known.get(name)) for name, value in given.items()}


def _value(name: str, *, given: Any, wanted: Any) -> Any:
    if wanted is None:
        raise UnknownFault(f"no fault is called {name!r}")
    if wanted is bool and isinstance(given, bool):
        return given
    if wanted in (float, int) and isinstance(given, int | float) and given >= 0:
        return wanted(given)
    if wanted is str and isinstance(given, str):
        return given
    if wanted == list[str] and isinstance(given, list) and all(isinstance(x, str) for x in given):
        return list(given)
    raise UnknownFault(f"{name!r} does not take {given!r}")
