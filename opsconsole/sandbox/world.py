"""What all neighbours share: books, faults, plans, time, and the application they call back."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from opsconsole.sandbox.books import Books
from opsconsole.sandbox.chance import chance
from opsconsole.sandbox.faults import DRAWN, Faults, changed
from opsconsole.sandbox.plans import Behaviour, Plans

# Behaviours of a plan that decide a call, in the words of a fault.
CALL_FATES = (*DRAWN, "latency")


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the application knows the neighbours by: the shape of the settings of the same names."""

    gateways: Mapping[str, Mapping[str, str]]
    tpg: Mapping[str, str]
    partners: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Fate:
    """How one call ends, after `pause` seconds: None as it should, otherwise the name of a fault."""

    do: str | None = None
    seconds: float = 0.0
    code: str = ""
    status: int = 0
    pause: float = 0.0


@dataclass(slots=True)
class World:
    secrets: Secrets
    app_url: str
    store: Path | None = None
    seed: int = 1
    # Simulated seconds per second: trips, retries of callbacks and settlements run so much faster.
    speed: float = 1.0
    books: Books = field(init=False)
    plans: Plans = field(init=False)
    stats: Counter[str] = field(init=False, default_factory=Counter)
    urls: dict[str, str] = field(init=False, default_factory=dict)
    is_closing: bool = field(init=False, default=False)
    _faults: dict[str, Faults] = field(init=False, default_factory=dict)
    _seen: Counter[tuple[str, ...]] = field(init=False, default_factory=Counter)
    _tasks: set[asyncio.Task[None]] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.books = Books(self.store)
        self.plans = Plans(self._keep_plan)
        for reference, row in self.books.rows("control", "plans").items():
            self.plans.set(reference, row["behaviours"])
        for name, row in self.books.rows("control", "faults").items():
            self._faults[name] = changed(Faults(), by=row)

    def faults(self, neighbour: str) -> Faults:
        return self._faults.setdefault(neighbour, Faults())

    def set_faults(self, neighbour: str, given: Mapping[str, Any], *, afresh: bool) -> Faults:
        """Change some settings, or all of them when `afresh`. Raises UnknownFault."""
        before = Faults() if afresh else self.faults(neighbour)
        self._faults[neighbour] = changed(before, by=given)
        self.books.put("control", "faults", neighbour, self._faults[neighbour].as_json())
        return self._faults[neighbour]

    def set_plan(self, reference: str, behaviours: list[Any]) -> None:
        """Raises BadPlan."""
        self.plans.set(reference, behaviours)
        self._keep_plan(reference)

    def _keep_plan(self, reference: str) -> None:
        """As it is now: what has been used up stays used up after a restart."""
        behaviours = [asdict(each) for each in self.plans.of(reference)]
        self.books.put("control", "plans", reference, {"behaviours": behaviours})

    def clear_plans(self) -> None:
        self.plans.clear()
        for reference in list(self.books.rows("control", "plans")):
            self.books.put("control", "plans", reference, {"behaviours": []})

    def fate(self, neighbour: str, *, operation: str, refs: list[str]) -> Fate:
        """A plan for the order decides first; then the dice of the neighbour's faults."""
        planned = self.plans.take(refs, neighbour=neighbour, on=operation, do=CALL_FATES)
        faults = self.faults(neighbour)
        if planned is not None:
            return _planned(planned, faults=faults)
        if faults.only and operation not in faults.only:
            return Fate()
        pause = faults.latency
        if faults.jitter:
            pause += faults.jitter * self.draw(neighbour, "jitter", refs=refs)
        for do, setting in DRAWN.items():
            if self.hits(neighbour, getattr(faults, setting), do, operation, refs=refs):
                return replace(_fate(do, faults=faults), pause=pause)
        return Fate(pause=pause)

    def hits(self, neighbour: str, probability: float, *what: str, refs: list[str]) -> bool:
        """Whether something of that probability happens, the same in every run with the seed."""
        if probability <= 0:
            return False
        return self.draw(neighbour, *what, refs=refs) < probability

    def draw(self, neighbour: str, *what: str, refs: list[str]) -> float:
        reference = refs[0] if refs else ""
        key = (neighbour, *what, reference)
        self._seen[key] += 1
        number = 0 if self.faults(neighbour).sticky else self._seen[key]
        return chance(self.seed, *key, number)

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something so many simulated seconds from now."""
        self.later(seconds / self.speed, act)

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Do something so many seconds on the wall clock from now."""
        asyncio.get_running_loop().call_later(max(0.0, seconds), lambda: None if self.is_closing else act())

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine beside everything else, and keep it alive until it ends."""
        if self.is_closing:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def count(self, *words: str) -> None:
        self.stats[".".join(words)] += 1


def _planned(planned: Behaviour, *, faults: Faults) -> Fate:
    if planned.do == "latency":
        return Fate(pause=planned.seconds or 0.0)
    usual = _fate(planned.do, faults=faults)
    return Fate(
        planned.do,
        seconds=usual.seconds if planned.seconds is None else planned.seconds,
        code=planned.code or usual.code,
        status=planned.status or usual.status,
    )


def _fate(do: str, *, faults: Faults) -> Fate:
    seconds = {"late_effect": faults.late_seconds, "drip": faults.drip_seconds}.get(do, 0.0)
    return Fate(do, seconds, faults.reject_code, faults.reject_status)


def references(*values: object) -> list[str]:
    """The references that a plan may name, without the empty ones."""
    return [str(value) for value in values if value]
