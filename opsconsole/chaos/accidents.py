"""What each accident of the schedule does, and how it is taken back."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from opsconsole.chaos import operators
from opsconsole.chaos.evidence import GATEWAYS, PARTNERS
from opsconsole.chaos.platform import Arena
from opsconsole.chaos.schedule import Accident
from opsconsole.faultproxy import FaultProxy, Way
from opsconsole.sandbox.remote import RemoteSandbox, SandboxSaidNo
from opsconsole.traffic.journeys import AWAY

BREAKERS = (*GATEWAYS, *PARTNERS, "ho")
# All the time: what the internet does to callbacks. A trip event that is lost for ever leaves an order
# that only a person can end, so partners' events are never dropped.
WEATHER: Mapping[str, Any] = {"double": 0.3, "delay": 0.1, "delay_seconds": 400.0, "reorder": 0.15, "forge": 0.1}
LOST_CALLBACKS = 0.1
TICK = 0.05
MOST_FORGED = 20
COMMITS_LOST = 4
NARROW = 1_000.0  # bytes a second

_ANSWERS_LOST = {"reset_after_rate": 0.3, "error_after_rate": 0.2, "timeout_after_success": 0.2}
_LATE = {"late_effect": 0.5, "late_seconds": 5.0}
# Of one neighbour: what is set, in the words of the sandbox.
NEIGHBOUR_FAULTS: Mapping[str, tuple[Sequence[str], Mapping[str, Any]]] = {
    "gateway slow": (GATEWAYS, {"latency": 10.0}),
    "gateway late": (GATEWAYS, _LATE),
    "gateway answers lost": (GATEWAYS, _ANSWERS_LOST),
    "gateway down": (GATEWAYS, {"down": True}),
    "partner late": (PARTNERS, _LATE),
    "partner answers lost": (PARTNERS, _ANSWERS_LOST),
    "partner down": (PARTNERS, {"down": True}),
    "ho answers lost": (("ho",), _ANSWERS_LOST),
}
WELL = {
    "latency": 0.0,
    "late_effect": 0.0,
    "reset_after_rate": 0.0,
    "error_after_rate": 0.0,
    "timeout_after_success": 0.0,
    "down": False,
}

Say = Callable[[str], None]


@dataclass
class Accidents:
    """Plays a schedule once; `happened` counts by name."""

    arena: Arena
    sandbox: RemoteSandbox
    say: Say
    happened: dict[str, int] = field(default_factory=dict)
    _ends: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def begin_weather(self) -> None:
        for name in (*GATEWAYS, *PARTNERS):
            drop = LOST_CALLBACKS if name in GATEWAYS else 0.0
            self.sandbox.faults(name, callbacks={**WEATHER, "drop": drop})

    def play(self, accidents: Sequence[Accident], *, seconds: float) -> None:
        """Returns when the time is over; what still lasts then is taken back."""
        began, left = time.monotonic(), list(accidents)
        pause = threading.Event()
        while (now := time.monotonic() - began) < seconds:
            while left and left[0].at <= now:
                self._happen(left.pop(0), now)
            self._end_until(now)
            pause.wait(TICK)
        self.end()

    def end(self) -> None:
        """The faults stop, all of them."""
        self._end_until(float("inf"))
        self.arena.postgres.heal()
        self.arena.redis.heal()
        self._broker_well()
        self.sandbox.no_faults()
        operators.reset(BREAKERS)

    def _end_until(self, now: float) -> None:
        due = [end for at, end in self._ends if at <= now]
        self._ends = [each for each in self._ends if each[0] > now]
        for end in due:
            end()

    def _happen(self, accident: Accident, now: float) -> None:
        self.happened[accident.name] = self.happened.get(accident.name, 0) + 1
        end = self._begin(accident)
        if end is not None:
            self._ends.append((now + accident.lasts, end))

    def _begin(self, accident: Accident) -> Callable[[], None] | None:
        """What takes it back, where there is something to take back."""
        if accident.name in NEIGHBOUR_FAULTS:
            return self._trouble(accident)
        if accident.name.startswith("breaker "):
            return self._force_breaker(accident)
        if accident.name.startswith("kill "):
            self._kill(accident)
            return None
        blows: dict[str, Callable[[], Callable[[], None] | None]] = {
            "failover": self.arena.fail_over,
            "redis empty": self._redis_empty,
            "redis dark": self._redis_dark,
            "broker cut": self._broker_cut,
            "broker dark": self._broker_dark,
            "postgres cut": self._postgres_cut,
            "postgres dark": self._postgres_dark,
            "postgres slow": self._postgres_slow,
            "postgres narrow": lambda: _narrow(self.arena.postgres),
            "redis narrow": lambda: _narrow(self.arena.redis),
            "commit answers lost": self._lose_commits,
            "forged callbacks": self._forge,
        }
        self._tell(accident)
        return blows[accident.name]()

    def _tell(self, accident: Accident, whom: str = "") -> None:
        lasts = f" for {accident.lasts:.1f} s" if accident.lasts else ""
        self.say(f"{accident.at:6.1f} s  {accident.name} {whom}".rstrip() + lasts)

    def _trouble(self, accident: Accident) -> Callable[[], None]:
        names, faults = NEIGHBOUR_FAULTS[accident.name]
        whom = names[int(accident.pick * len(names))]
        self._tell(accident, whom)
        self.sandbox.faults(whom, **faults)
        well = {name: WELL[name] for name in faults if name in WELL}
        return lambda: self.sandbox.faults(whom, **well)

    def _force_breaker(self, accident: Accident) -> Callable[[], None]:
        whom = BREAKERS[int(accident.pick * len(BREAKERS))]
        self._tell(accident, whom)
        operators.force(whom, accident.name.removeprefix("breaker forced "), seconds=accident.lasts)
        return lambda: operators.reset([whom])

    def _kill(self, accident: Accident) -> None:
        kind = accident.name.removeprefix("kill ")
        those = [child for child in self.arena.children if _is_a(child.process.name, kind)]
        victim = those[int(accident.pick * len(those))]
        self._tell(accident, victim.name)
        self.arena.kill(victim)

    def _redis_empty(self) -> None:
        self.arena.empty_redis()

    def _redis_dark(self) -> Callable[[], None]:
        dark = Way(black_hole=True)
        self.arena.redis.set(up=dark, down=dark)
        return self.arena.redis.heal

    def _broker_well(self) -> None:
        if self.arena.broker is not None:
            self.arena.broker.heal()

    def _broker_cut(self) -> Callable[[], None]:
        if self.arena.broker is not None:
            self.arena.broker.set(refuse=True)
            self.arena.broker.reset()
        return self._broker_well

    def _broker_dark(self) -> Callable[[], None]:
        """It takes and confirms, and nobody hears of it."""
        if self.arena.broker is not None:
            self.arena.broker.set(down=Way(black_hole=True))
        return self._broker_well

    def _postgres_cut(self) -> Callable[[], None]:
        self.arena.postgres.set(refuse=True)
        self.arena.postgres.reset()
        return self.arena.postgres.heal

    def _postgres_dark(self) -> Callable[[], None]:
        """Requests are done and nobody hears of it; at the end every connection breaks."""
        self.arena.postgres.set(down=Way(black_hole=True))

        def end() -> None:
            self.arena.postgres.reset()
            self.arena.postgres.heal()

        return end

    def _postgres_slow(self) -> Callable[[], None]:
        self.arena.postgres.set(down=Way(latency=0.02, jitter=0.05))
        return self.arena.postgres.heal

    def _lose_commits(self) -> None:
        self.arena.postgres.lose_answers(b"COMMIT", times=COMMITS_LOST)

    def _forge(self) -> None:
        """Of payments that nobody has paid, a rightly signed message that they are."""
        for gateway in GATEWAYS:
            rows = self.sandbox.books(gateway).get("payments", [])
            unpaid = [row["merchant_ref"] for row in rows if row["status"] in ("created", "pending")]
            for reference in unpaid[-MOST_FORGED:]:
                with suppress(SandboxSaidNo, *AWAY):
                    self.sandbox.forge(reference)


def _narrow(wire: FaultProxy) -> Callable[[], None]:
    """A kilobyte a second comes back on each connection."""
    wire.set(down=Way(rate=NARROW))
    return wire.heal


def _is_a(process: str, kind: str) -> bool:
    """Of the workers, those that touch money."""
    return process == ("worker-act" if kind == "worker" else kind)
