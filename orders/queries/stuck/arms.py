"""The SQL of "stuck": one arm for each machine whose clock can run out, put together by UNION ALL.

Each arm reads one partial index (orders/models, orders/sql/stuck.sql) in the order of age. An order
appears once, in the first arm that has it: its own state, then its payment, its saga, its place in the
dispatch queue, its refund, its entry at Head Office. Every value travels as a parameter; what is put into
the text are names and constants of this package.
"""

# ruff: noqa: S608

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orders.policies import ANY_SERVICE, Limits
from orders.queries.stuck.filters import StuckFilter, conditions


@dataclass(frozen=True, slots=True)
class Clocked:
    """A table whose rows have a clock: since when it counts, what money is at stake, and what else
    must hold of a row (`{row}`)."""

    table: str
    since: str
    amount: str = "o.amount"
    currency: str = "o.currency"
    only: str = ""


_HELD = "(SELECT coalesce(sum(l.amount), 0)::bigint FROM orders_ledgerentry l WHERE l.attempt_id = {row}.id)"


# In the order of precedence. `since` of what is tried again and again is its birth: a retry enters
# a state anew, and what is tried for ever would never be old.
MACHINES: Mapping[str, Clocked] = {
    "order": Clocked("orders_order", "entered_at"),
    # Money that does not fit is somebody's task, also when its order was closed meanwhile.
    "attempt": Clocked("orders_attempt", "entered_at", _HELD.format(row="x"), "x.currency", f"{_HELD} > 0"),
    "saga": Clocked("orders_saga", "entered_at"),
    "dispatch": Clocked("orders_dispatchentry", "created_at"),
    "refund": Clocked("orders_refund", "created_at", "x.amount", "x.currency"),
    "posting": Clocked("orders_posting", "created_at", "x.amount", "x.currency"),
}
NEVER = "'-infinity'::timestamptz"
# What filters ask of an order beside its state and owner, for whoever wants it without a second look at the order: the
# index of open orders has it. What a text is looked for in it has not.
OF_ORDER = ("service", "method", "city", "channel", "held_until", "owning_attempt_id")
OF_TEXT = ("public_id", "customer_id", "customer_name", "customer_phone")
# Of every row of the union, before `of_order`.
COLUMNS = ("order_id", "since", "machine", "state", "subject_id", "amount", "currency", "order_state", "owner_id")


@dataclass(frozen=True)
class Question:
    """One question about stuck things at one instant; collects the parameters of its SQL.

    `prefix` goes before the name of each table ("then_" for the tables of a past instant); `only`
    is the one order that is asked about; `of_order` are further columns of the order.
    """

    wanted: StuckFilter
    limits: Limits
    clock: datetime
    prefix: str = ""
    only: int | None = None
    of_order: tuple[str, ...] = ()
    params: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.params["clock"] = self.clock
        if self.wanted.min_age is not None:
            self.params["old_enough"] = self.clock - self.wanted.min_age

    def union(self, *, limit: int | None = None, after: bool = False) -> str:
        """All that is stuck, each order once. With `limit`, each arm gives its oldest so many; with `after`,
        only behind a place."""
        if limit is None:
            return self._whole()
        tail = f" ORDER BY since, order_id LIMIT {limit:d}"
        arms = [f"({arm}{tail})" for arm in self._arms(after=after)]
        return " UNION ALL ".join(arms or [self._nothing()])

    def _arms(self, *, after: bool) -> Iterable[str]:
        """One a state: equality first lets the index hand the rows out in the order of age."""
        for machine in self.wanted.machines or MACHINES:
            alias = _alias(machine)
            for state in self._states(machine):
                since = f"{alias}.{MACHINES[machine].since}"
                where = [self._is_late(machine, state, alias), *self._filters(since, after=after)]
                yield self._select(machine, where=[*where, *self._not_in_earlier_arms(machine, since)])

    def _whole(self) -> str:
        """One arm a machine, and of an order's rows the first is kept by sorting: looks into the earlier machines for
        each row would cost more to plan than all of this costs to run."""
        wanted = [machine for machine in MACHINES if self._states(machine) and self._is_wanted(machine)]
        own = [self._arm("order", self._states("order"), self._aged("o.entered_at"))] if "order" in wanted else []
        later = [machine for machine in wanted if machine != "order"]
        arms = own + ([self._first_of_each(later)] if later else [])
        return " UNION ALL ".join(f"({arm})" for arm in arms or [self._nothing()])

    def _first_of_each(self, wanted: Sequence[str]) -> str:
        """What stands in an earlier machine is stuck there, whether or not the reader wants that machine."""
        machines = list(MACHINES)[1 : list(MACHINES).index(wanted[-1]) + 1]
        free = f"NOT {self._is_stuck('order', 'o')}"
        ranked = [
            f"SELECT {rank} AS rank, a.* FROM ({self._arm(machine, self.limits.states(machine), [free])}) a"
            for rank, machine in enumerate(machines)
        ]
        kept = " OR ".join(f"machine = '{each}' AND state IN ({_quoted(self._states(each))})" for each in wanted)
        return (
            f"SELECT {', '.join((*COLUMNS, *self.of_order))} FROM (SELECT DISTINCT ON (order_id) *"
            f" FROM ({' UNION ALL '.join(ranked)}) ranked ORDER BY order_id, rank, since, subject_id) first"
            f" WHERE {' AND '.join((f'({kept})', *self._aged('since')))}"
        )

    def _arm(self, machine: str, states: Iterable[str], where: Iterable[str]) -> str:
        late = self._is_late_in(machine, states, _alias(machine))
        return self._select(machine, where=[late, *where, *self._of_the_order()])

    def _is_wanted(self, machine: str) -> bool:
        return not self.wanted.machines or machine in self.wanted.machines

    def _nothing(self) -> str:
        return self._select("order", where=["false"])

    def _states(self, machine: str) -> list[str]:
        kinds = self.wanted.kinds
        return [state for state in self.limits.states(machine) if not kinds or (machine, state) in kinds]

    def _not_in_earlier_arms(self, machine: str, since: str) -> Iterable[str]:
        if machine == "order":
            return
        yield f"NOT {self._is_stuck('order', 'o')}"
        yield from (f"NOT {self._has(earlier)}" for earlier in _between_order_and(machine))
        yield f"NOT {self._has(machine, older_than=since)}"

    def _select(self, machine: str, *, where: Iterable[str]) -> str:
        """The columns are COLUMNS and `of_order`."""
        clocked, alias = MACHINES[machine], _alias(machine)
        orders = self._table("order")
        source = f"{orders} o" if alias == "o" else f"{self._table(machine)} x JOIN {orders} o ON o.id = x.order_id"
        more = "".join(f", o.{name}" for name in self.of_order)
        return (
            f"SELECT o.id AS order_id, {alias}.{clocked.since} AS since, '{machine}' AS machine,"
            f" {alias}.state AS state, {alias}.id AS subject_id, {clocked.amount} AS amount,"
            f" {clocked.currency} AS currency, o.state AS order_state, o.owner_id AS owner_id{more}"
            f" FROM {source} WHERE {' AND '.join(where)}"
        )

    def _has(self, machine: str, *, older_than: str = "") -> str:
        """Whether the order has something stuck in that machine (older than this row of it)."""
        older = f" AND (y.{MACHINES[machine].since}, y.id) < ({older_than}, x.id)" if older_than else ""
        stuck = self._is_stuck(machine, "y")
        return f"EXISTS (SELECT FROM {self._table(machine)} y WHERE y.order_id = o.id AND {stuck}{older})"

    def _is_stuck(self, machine: str, alias: str) -> str:
        return self._is_late_in(machine, self.limits.states(machine), alias)

    def _is_late_in(self, machine: str, states: Iterable[str], alias: str) -> str:
        return f"({' OR '.join(self._is_late(machine, state, alias) for state in states) or 'false'})"

    def _is_late(self, machine: str, state: str, alias: str) -> str:
        since = f"{alias}.{MACHINES[machine].since}"
        known = self.limits.by_service(machine, state)
        late = {service: self._cutoff(machine, state, service) for service in known}
        default = late.pop(ANY_SERVICE, NEVER)
        only = MACHINES[machine].only
        is_there = f"{alias}.state = '{state}'" + (f" AND {only.format(row=alias)}" if only else "")
        if not late:
            return f"({is_there} AND {since} <= {default})"
        cases = " ".join(f"WHEN '{service}' THEN {cutoff}" for service, cutoff in late.items())
        latest = f"greatest({', '.join([default, *late.values()])})"
        own = f"{since} <= CASE o.service {cases} ELSE {default} END"
        return f"({is_there} AND {since} <= {latest} AND {own})"

    def _cutoff(self, machine: str, state: str, service: str) -> str:
        """The parameter with the instant before which it must have been entered to be late."""
        name = f"{machine}_{state}_{service}"
        self.params[name] = self.clock - self.limits.by_service(machine, state)[service]
        return f"%({name})s::timestamptz"

    def _filters(self, since: str, *, after: bool) -> Iterable[str]:
        yield from self._of_the_order()
        yield from self._aged(since)
        if after:
            yield f"({since}, o.id) > (%(after_since)s, %(after_id)s)"

    def _of_the_order(self) -> Iterable[str]:
        """What holds of all rows of an order alike."""
        for condition, params in conditions(self.wanted):
            self.params.update(params)
            yield condition
        if self.only is not None:
            self.params["only"] = self.only
            yield "o.id = %(only)s"

    def _aged(self, since: str) -> Iterable[str]:
        if self.wanted.min_age is not None:
            yield f"{since} <= %(old_enough)s"

    def _table(self, machine: str) -> str:
        return f"{self.prefix}{MACHINES[machine].table}"


def _alias(machine: str) -> str:
    """Of the machine's own table; the order is always `o`."""
    return "o" if machine == "order" else "x"


def _quoted(names: Iterable[str]) -> str:
    """Names of ours as SQL."""
    return ", ".join(f"'{name}'" for name in names)


def _between_order_and(machine: str) -> list[str]:
    """The machines that come before this one, the order's own state left out."""
    names = list(MACHINES)
    return names[1 : names.index(machine)]
