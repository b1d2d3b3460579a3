"""The tables as they were: each machine's state at a past instant, put together from the history."""

# ruff: noqa: S608

from orders.queries.stuck.arms import MACHINES

PREFIX = "then_"

# What the arms and the filters read of an order; its state and age come from the history.
_ORDER_COLUMNS = (
    *("id", "public_id", "service", "channel", "city", "method", "customer_id", "customer_name"),
    *("customer_phone", "amount", "currency", "owner_id", "held_until", "owning_attempt_id"),
)


def tables() -> str:
    """CTEs named as the tables, with PREFIX. Reads the whole history up to `clock`: an
    investigation's question, not a screen's."""
    return "WITH " + ", ".join(_table(machine) for machine in MACHINES)


def _table(machine: str) -> str:
    clocked = MACHINES[machine]
    columns = _ORDER_COLUMNS if machine == "order" else _columns(clocked.amount)
    since = "t.entered_at" if clocked.since == "entered_at" else "t.created_at"
    return (
        f"{PREFIX}{clocked.table} AS MATERIALIZED (SELECT {', '.join(f'r.{name}' for name in columns)},"
        f" t.state, {since} AS {clocked.since}"
        f" FROM ({_last_rows(machine)}) t JOIN {clocked.table} r ON r.id = t.subject_id)"
    )


def _columns(amount: str) -> tuple[str, ...]:
    return ("id", "order_id") if amount == "o.amount" else ("id", "order_id", "amount", "currency")


def _last_rows(machine: str) -> str:
    """The last change of state known to have happened by then. Facts that change no state (notes,
    anomalies) do not count; `seq` decides, because two things may happen in one instant."""
    return (
        "SELECT DISTINCT ON (h.subject_id) h.subject_id, h.target AS state, h.occurred_at AS entered_at,"
        " min(h.occurred_at) OVER (PARTITION BY h.subject_id) AS created_at"
        f" FROM orders_history h WHERE h.machine = '{machine}' AND h.source <> h.target"
        " AND h.occurred_at <= %(clock)s ORDER BY h.subject_id, h.seq DESC"
    )
