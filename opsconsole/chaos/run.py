"""One run: people and accidents, then calm, then the verdict."""

import http.client
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from opsconsole.chaos.accidents import Accidents
from opsconsole.chaos.crowd import Crowd
from opsconsole.chaos.evidence import Acknowledged, Evidence, Row, gather, stuck_orders, unsent
from opsconsole.chaos.findings import LIVENESS, SAFETY, Finding
from opsconsole.chaos.flood import Flood
from opsconsole.chaos.liveness import Liveness
from opsconsole.chaos.platform import Arena
from opsconsole.chaos.safety import Safety
from opsconsole.chaos.schedule import Accident, schedule, storm
from opsconsole.sandbox.remote import RemoteSandbox
from opsconsole.scenarios.settling import Settling
from opsconsole.traffic.journeys import Journey
from opsconsole.traffic.shops import ApiShop
from opsconsole.traffic.tokens import traffic_tokens
from orders.models import Order

LAST_STEPS = 60.0  # seconds that customers have at most, after the faults, to do what they were about to do
LOOK_EVERY = 0.5


@dataclass(frozen=True)
class Request:
    """`seconds` of faults; `settle` bounds, in seconds, how long everything may take to come to rest.

    With `callbacks` it is a storm of so many of them; `replicated` is the kind of replica that takes over in it.
    """

    seconds: float
    seed: int
    per_minute: float
    settle: float
    bug: str = ""
    callbacks: int = 0
    replicated: str = ""


@dataclass
class Report:
    """All that a run has to say."""

    request: Request
    findings: list[Finding] = field(default_factory=list)
    tasks: Counter[str] = field(default_factory=Counter)
    accidents: dict[str, int] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(each.kind for each in self.findings)
        return {kind: found[kind] for kind in (*SAFETY, *LIVENESS)}

    def as_json(self) -> dict[str, Any]:
        return {
            "seed": self.request.seed,
            "seconds": self.request.seconds,
            "bug": self.request.bug,
            "ok": not self.findings,
            "counts": self.counts,
            "findings": [{"kind": each.kind, "subject": each.subject, "what": each.what} for each in self.findings],
            "left_to_people": dict(sorted(self.tasks.items())),
            "accidents": dict(sorted(self.accidents.items())),
            "figures": self.figures,
            "took": self.seconds,
        }


@dataclass
class Run:
    request: Request
    arena: Arena
    say: Callable[[str], None]
    _report: Report = field(init=False)
    _began: float = 0.0
    _until: float = 0.0
    _told: Sequence[Row] = ()

    def go(self) -> Report:
        self._report, self._began = Report(self.request), time.monotonic()
        shop = ApiShop(self.arena.platform.plan.address, traffic_tokens())
        with closing(shop), RemoteSandbox(self.arena.sandbox_url) as sandbox:
            journeys = self._fire(shop, sandbox)
            settled = self._settle(sandbox)
            self._judge(journeys, sandbox, settled=settled)
        return self._report

    def _fire(self, shop: ApiShop, sandbox: RemoteSandbox) -> Sequence[Journey]:
        accidents = Accidents(self.arena, sandbox, self.say)
        accidents.begin_weather()
        with (
            Crowd(shop, sandbox, self.request.per_minute, self.request.seed) as crowd,
            self._flood(sandbox) as flood,
        ):
            try:
                accidents.play(self._planned(), seconds=self.request.seconds)
            finally:
                accidents.end()
            self._note("faults")
            # From here on everything has one bound: being ready, the customers' last steps, coming to rest.
            self._until = time.monotonic() + self.request.settle
            crowd.stop_coming()
            self._wait(self._is_ready)
            self._note("ready")
            crowd.finish(seconds=min(LAST_STEPS, self._left))
            flood.finish(seconds=self._left)
        self._report.accidents = accidents.happened
        self._report.figures |= {"placed": len(crowd.acknowledged), "asked_for": len(crowd.journeys)}
        self._report.figures |= {"late_cancels": crowd.tried, "late_cancels_taken": crowd.regrets}
        self._report.figures["goodwill_refunds"] = crowd.goodwill
        self._report.figures["commit_answers_lost"] = self.arena.postgres.answers_lost
        self._told = flood.rows
        if self.request.callbacks:
            self._report.figures |= {"flood": flood.figures, "failover_seconds": self.arena.failover_seconds}
        self._note("customers")
        return crowd.acknowledged

    def _planned(self) -> Sequence[Accident]:
        request = self.request
        if request.callbacks:
            return storm(seed=request.seed, seconds=request.seconds, with_replica=self.arena.replica is not None)
        return schedule(seed=request.seed, seconds=request.seconds, with_broker=self.arena.broker is not None)

    def _flood(self, sandbox: RemoteSandbox) -> Flood:
        request = self.request
        address = self.arena.platform.plan.address
        return Flood(address, sandbox.books, count=request.callbacks, seconds=request.seconds, seed=request.seed)

    def _settle(self, sandbox: RemoteSandbox) -> bool:
        self.say("the faults have stopped; waiting until everything has come to rest")
        ids = list(Order.objects.values_list("pk", flat=True))
        settled = Settling(ids, sandbox, self._left, self.say).run()
        self._wait(lambda: not unsent(self.arena.database_url))
        self._note("settled")
        return settled

    @property
    def _left(self) -> float:
        """Seconds until everything must have come to rest."""
        return max(1.0, self._until - time.monotonic())

    def _wait(self, seen: Callable[[], bool]) -> None:
        """Until it is so, or the bound is over: the judges say which."""
        while not seen() and time.monotonic() < self._until:
            time.sleep(LOOK_EVERY)

    def _judge(self, journeys: Sequence[Journey], sandbox: RemoteSandbox, *, settled: bool) -> None:
        database = self.arena.database_url
        evidence = gather(_acknowledged(journeys), read_books=sandbox.books, database_url=database)
        evidence = replace(evidence, stuck=stuck_orders(database), callbacks=(*evidence.callbacks, *self._told))
        liveness = Liveness(evidence)
        found = [*Safety(evidence).findings(), *liveness.findings()]
        if not settled:
            found.append(Finding("not settled", "platform", f"not within {self.request.settle:g} s"))
        if not self._is_ready():
            found.append(Finding("not ready", "/ready", f"not within {self.request.settle:g} s"))
        self._report.findings, self._report.tasks = found, liveness.tasks
        self._report.figures |= _figures(evidence)
        self._note("judged")

    def _is_ready(self) -> bool:
        try:
            url = f"{self.arena.platform.plan.address}/ready"
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - always our own http address
                return bool(answer.status == HTTPStatus.OK)
        except (OSError, http.client.HTTPException):
            return False

    def _note(self, what: str) -> None:
        self._report.seconds[what] = round(time.monotonic() - self._began, 1)


def _acknowledged(journeys: Sequence[Journey]) -> list[Acknowledged]:
    return [Acknowledged(each.placed.id, each.placed.amount, each.wish.person.id) for each in journeys if each.placed]


def _figures(evidence: Evidence) -> dict[str, Any]:
    effects = Counter(row["effect"] for rows in evidence.effects.values() for row in rows)
    answers = [status for row in evidence.callbacks for status in row["answers"]]
    wanted = ("charged", "refunded", "booked", "cancelled", "completed", "recorded")
    return {
        "orders": dict(sorted(Counter(row["state"] for row in evidence.tables["orders"]).items())),
        "effects": {name: effects[name] for name in wanted},
        "callbacks": len(evidence.callbacks),
        "forged": sum(bool(row["forged"]) for row in evidence.callbacks),
        "dropped": sum(row["state"] == "dropped" for row in evidence.callbacks),
        "breakers_opened": evidence.breakers_opened,
        "answers": dict(Counter("none" if each is None else str(each) for each in answers)),
    }
