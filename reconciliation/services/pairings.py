"""Comparing two books: the passes in their order, and the proof that every line was counted once."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final, NamedTuple

from django.db import connection
from django.utils.translation import gettext as _
from psycopg import sql
from psycopg.sql import Composable

from orders.states import BANK, OPEN_ORDER_STATES
from reconciliation.engines import FirstPass
from reconciliation.models import Feed, Load, Rules, Run
from reconciliation.services import engine
from reconciliation.services.elsewhere import judged_elsewhere
from reconciliation.states import LoadState, Outcome, Pairing, RunScope, Side

WHAT_A_GATEWAY_KEPT: Final = ("pass_payouts", "pass_fees")
PASSES_OVER_THE_POOL: Final = (
    "pass_1_by_hand",
    "pass_2_duplicates",
    "pass_3_reference",
    "pass_4_external_reference",
    "pass_5_order",
    "pass_6_tolerance",
    "pass_known",
    "pass_7_sums",
)
PASSES: Final = (
    "pass_8_batches",
    "pass_9_look_alikes",
    "suspects",
    "expect",
    "classify",
    "causes",
)
WRITING: Final = ("signatures", "write_breaks", "heal", "heal_resolved", "write_matches", "write_cases", "fold_totals")
KEYS: Final = {Pairing.HO: "order_reference", Pairing.GATEWAY: "reference"}
TIMING: Final = timedelta(
    hours=2
)  # before the end of what the other book covers: a missing line may still be on its way
FEW: Final = 50  # a key is looked up, twice, in the time in which so many lines are read one after the other
RANGES: Final = 8  # of keys, merged side by side by as many workers as there are
THEIRS: Final = {Pairing.HO: Side.HO, Pairing.GATEWAY: Side.GATEWAY}
MEMORY: Final = "64MB"  # for each sort and hash of the later passes; the first needs none
_HAS_FEW_KEYS: Final = "SELECT count(*) * %(few)s < (SELECT max(id) FROM reconciliation_entry) FROM scope"
Sum = dict[tuple[str, str], tuple[int, int]]  # (book, currency): lines and minor units
Tell = Callable[[str, int], None]


class Unproved(Exception):
    """The results do not add up to the books. `str(error)` says where."""


class Counted(NamedTuple):
    """Lines of one book that came to one outcome; `book` is ours or theirs."""

    book: str
    currency: str
    outcome: str
    why: str
    lines: int
    amount: int


@dataclass(frozen=True, slots=True)
class Reach:
    """Which keys a comparison looks at: those of lines after `after`, of days, or (neither) all."""

    scope: RunScope
    after: int = 0
    window: tuple[date, date] | None = None

    @property
    def is_everything(self) -> bool:
        return self.scope == RunScope.FULL


@dataclass(slots=True)
class Comparison:
    """One pairing within one run. Must be used inside a transaction that holds the intake lock."""

    pairing: Pairing
    reach: Reach
    rules: Rules
    now: datetime
    tell: Tell = lambda name, rows: None
    elsewhere: FirstPass | None = None  # another engine's first pass
    counted: list[Counted] = field(default_factory=list)
    digest: str = ""

    def compare(self) -> None:
        """Judge every line in reach and prove it. Raises Unproved; writes only temporary tables.

        1. The books as views, coverage and tolerance as tables. 2. The first pass merges the books
        and settles most. 3. Each later pass settles some of the rest, the last one all of it.
        4. What came of the lines is added up and held against the books.
        """
        self._prepare()
        self._first_pass()
        for name in WHAT_A_GATEWAY_KEPT:
            self._step(name, self._params())
        with _planning(enable_nestloop="off"):  # the planner knows little of how lines of the pool are alike
            for name in PASSES_OVER_THE_POOL:
                self._step(name, self._params())
        for name in PASSES:
            self._step(name, self._params())
        self._step("found_match")
        self.counted = [
            Counted(book, currency, outcome, why, int(lines), int(amount))
            for book, currency, outcome, why, lines, amount in engine.run("totals")
        ]
        engine.execute("DROP TABLE first_pass")
        self._prove()
        self.digest = engine.run("digest")[0][0]

    def write(self, run: Run) -> None:
        """Keep what was found: cases, breaks, heals, matches that took judgement, what is expected."""
        params = self._params() | {"run": run.pk, "actor": f"run:{run.pk}"}
        for name in WRITING:
            self._step(name, params)

    def _params(self) -> dict[str, Any]:
        return {
            "pairing": self.pairing.value,
            "everything": self.reach.is_everything,
            "after": None if self.reach.is_everything or self.reach.window else self.reach.after,
            "from": self.reach.window and self.reach.window[0],
            "to": self.reach.window and self.reach.window[1],
            "timing": TIMING,
            "now": self.now,
            "patience": timedelta(days=self.rules.patience_days),
            "open_order": timedelta(hours=self.rules.open_order_hours),
            "open_states": list(OPEN_ORDER_STATES),
            "bank": BANK,
        }

    def _step(self, name: str, params: dict[str, Any] | None = None) -> None:
        self._tell_step(name, engine.text(name), params)

    def _tell_step(self, name: str, statement: str | Composable, params: dict[str, Any] | None = None) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement, params)
            rows = cursor.rowcount
            while cursor.nextset():
                rows = cursor.rowcount
        self.tell(f"{self.pairing}: {name}", max(rows, 0))

    def _prepare(self) -> None:
        # A rough idea of the working tables will do: with the usual sample, looking at them takes a tenth of the run.
        engine.execute("SET LOCAL default_statistics_target = 10")
        engine.run("tables")
        engine.execute("INSERT INTO coverage SELECT * FROM unnest(%s::text[], %s::timestamptz[])", self._coverage())
        engine.execute(
            "INSERT INTO tolerance SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[])", self._bands()
        )
        self._agreements()
        engine.run(f"books_{self.pairing}")
        if self.reach.is_everything:
            engine.run("everything", self._params())
            return
        self._choose_keys()
        engine.execute("ANALYZE scope")
        engine.run("only_scope", self._params())

    def _choose_keys(self) -> None:
        pairing = {"pairing": self.pairing.value}
        if self.reach.window is None:
            self._step("scope_changes", {"after": self.reach.after, **pairing})
        else:
            self._step("scope_window", {**dict(zip(("from", "to"), self.reach.window, strict=True)), **pairing})
        engine.execute("ANALYZE scope")
        self._step("scope_together", pairing)

    def _coverage(self) -> tuple[list[str], list[datetime | None]]:
        """Each gateway by itself; Head Office as a whole, as complete as its least complete instance."""
        feeds = list(feeds_of(self.pairing))
        if self.pairing == Pairing.HO:
            marks = [feed.complete_up_to for feed in feeds]
            return ["ho"], [None if None in marks else min(mark for mark in marks if mark)]
        return [feed.source for feed in feeds], [feed.complete_up_to for feed in feeds]

    def _bands(self) -> tuple[list[str], list[int], list[int]]:
        bands = self.rules.bands()
        return list(bands), list(bands.values()), [self.rules.tolerance_percent] * len(bands)

    def _agreements(self) -> None:
        for table, rows in (("tariff", self.rules.tariffs), ("known_difference", self.rules.known)):
            filled = f"INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb)"  # noqa: S608
            engine.execute(filled, [json.dumps(rows)])

    def _first_pass(self) -> None:
        """A full run merges: the planner, who takes every key for its own group, would hash instead.

        Its ranges of keys are merged side by side, where PostgreSQL has workers to give.
        """
        if self.elsewhere:
            self.tell(f"{self.pairing}: pass_0_one_each", judged_elsewhere(self.elsewhere))
        else:
            # No cost for what workers hand over: that one key of twenty is open is nothing the planner knows.
            with _planning(**self._way_of_merging(), work_mem=MEMORY, parallel_tuple_cost="0"):
                self._tell_step("pass_0_one_each", self._create_first_pass())
        engine.execute("ANALYZE first_pass")
        # Key by key: the planner would read both books again.
        with _planning(enable_hashjoin="off", enable_mergejoin="off", min_parallel_table_scan_size="512kB"):
            self._step("pool")
        engine.execute("ANALYZE pool")

    def _create_first_pass(self) -> Composable:
        """One table of what each range of keys came to. Workers may fill it, as it is made by its query, and may read
        that of a full run, as it is no temporary one: nobody else sees it, and it goes before the transaction ends.
        """
        kind, end = ("UNLOGGED", "") if self.reach.is_everything else ("TEMP", " ON COMMIT DROP")
        one = engine.text("pass_0_one_each")
        ranges = sql.SQL(" UNION ALL\n").join(
            sql.SQL("({})").format(engine.filled(one, low=low, high=high)) for low, high in self._ranges()
        )
        head = f"CREATE {kind} TABLE first_pass{end} AS\nSELECT * FROM ("
        # OFFSET 0: sorted at the end, as the planner would sort each range and have no workers.
        return sql.SQL(head) + ranges + sql.SQL(" OFFSET 0) AS ranges ORDER BY key, currency")

    def _way_of_merging(self) -> dict[str, str]:
        """A full run merges. One of few keys looks each of them up, where the planner would read every line."""
        if self.reach.is_everything:
            return {"enable_hashjoin": "off"}
        few = engine.execute(_HAS_FEW_KEYS, {"few": FEW})[0][0]
        return {"enable_hashjoin": "off", "enable_mergejoin": "off"} if few else {}

    def _ranges(self) -> list[tuple[str | None, str | None]]:
        """Bounds of about as many keys each, as the statistics know them; any bounds give the same result."""
        if not self.reach.is_everything:
            return [(None, None)]
        bounds = [bound for (bound,) in engine.run("ranges", {"key": KEYS[self.pairing], "ranges": RANGES})]
        return list(pairwise([None, *bounds, None]))

    def _prove(self) -> None:
        held = self._books_by_loads() if self.reach.is_everything else self._books_by_counting()
        came_to: Sum = defaultdict(lambda: (0, 0))
        for each in self.counted:
            if each.outcome not in Outcome.values:
                raise Unproved(_("%(lines)s lines came to nothing.") % {"lines": each.lines})
            lines, amount = came_to[each.book, each.currency]
            came_to[each.book, each.currency] = lines + each.lines, amount + each.amount
        for book, currency in came_to.keys() | held.keys():
            self._same(book, currency, came_to.get((book, currency), (0, 0)), held.get((book, currency), (0, 0)))

    def _same(self, book: str, currency: str, found: tuple[int, int], held: tuple[int, int]) -> None:
        if found != held:
            raise Unproved(
                _("The results of %(book)s add up to %(found)s, the book holds %(held)s (lines, %(currency)s).")
                % {"book": f"{self.pairing}/{book}", "found": found, "held": held, "currency": currency}
            )

    def _books_by_counting(self) -> Sum:
        return {
            (book, currency): (int(lines), int(amount))
            for book, currency, lines, amount in engine.run("in_reach", self._params())
        }

    def _books_by_loads(self) -> Sum:
        """What the loads say they added, which nobody counted for this run. What takes no part is counted first."""
        for book, currency, why, lines, amount in engine.run("excluded", self._params()):
            self.counted.append(Counted(book, currency, Outcome.EXCLUDED, why, lines, int(amount)))
        self.counted = _added_up(self.counted)
        held: Sum = defaultdict(lambda: (0, 0))
        for book, side in (("ours", Side.OURS), ("theirs", THEIRS[self.pairing])):
            for totals in Load.objects.filter(feed__side=side, state=LoadState.LOADED).values_list("totals", flat=True):
                for currency, (lines, amount) in totals.items():
                    before = held[book, currency]
                    held[book, currency] = before[0] + lines, before[1] + amount
        return held


def _added_up(counted: Sequence[Counted]) -> list[Counted]:
    """One of each: what moved no money is left out by the first pass (void) and before it (pending)."""
    sums: dict[tuple[str, str, str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for book, currency, outcome, why, lines, amount in counted:
        before = sums[book, currency, outcome, why]
        sums[book, currency, outcome, why] = before[0] + lines, before[1] + amount
    return [Counted(*what, *sum_) for what, sum_ in sums.items()]


def feeds_of(pairing: Pairing) -> Sequence[Feed]:
    """The feeds of the other side that are in use, by name."""
    return list(Feed.objects.filter(side=THEIRS[pairing], is_active=True).order_by("source"))


@contextmanager
def _planning(**settings: str) -> Iterator[None]:
    """Settings of the planner for some statements; they end with the transaction at the latest."""
    before = {name: engine.execute("SELECT current_setting(%s)", [name])[0][0] for name in settings}
    _set(settings)
    yield
    _set({name: value for name, value in before.items() if name != "work_mem"})


def _set(settings: Mapping[str, str]) -> None:
    for name, value in settings.items():
        engine.execute("SELECT set_config(%s, %s, true)", [name, value])
