"""The rest of two large books, straight into the table: loading is measured on the first million, matching on all."""

from typing import Final

from django.db import connection

from reconciliation.bench import books
from reconciliation.models import Entry, Load
from reconciliation.services import engine
from reconciliation.states import Side

# As books.ours and books.theirs tell it: lines of one load, in the order of their keys.
_ROWS: Final = """
WITH r AS (
    SELECT n, 'MRG-' || lpad((n * 7919 %% 100000007)::text, 9, '0') AS name, 20000 + n * 37 %% 200000 AS amount,
           %(first)s::timestamptz + n * %(every)s::interval AS at, n %% 100 AS kind
    FROM generate_series(%(low)s::bigint, %(high)s - 1) AS n
),
e AS (
    SELECT n, CASE kind WHEN 3 THEN 'Z' ELSE '' END || name AS name, at, suffix,
           CASE WHEN suffix = 'b' AND kind = 4 THEN 1000 WHEN kind = 4 THEN amount - 1000
                WHEN kind = 1 THEN amount - 250 ELSE amount END AS amount
    FROM r CROSS JOIN LATERAL unnest(CASE WHEN kind IN (2, 4) THEN ARRAY['b', ''] ELSE ARRAY[''] END) AS suffix
    WHERE kind <> 0
)
"""
_OURS: Final = "SELECT name, name || '-1', 'charge:' || n, amount, at, 'gopay', 'midtrans' FROM r ORDER BY name"
_THEIRS: Final = "SELECT name, name, 'E' || n || suffix, amount, at, '', 'ho' FROM e ORDER BY name"
_INSERT: Final = """
INSERT INTO reconciliation_entry (
    side, kind, currency, batch, status, occurrence, line, load_id, business_date,
    order_reference, reference, external_reference, amount, occurred_at, method, source)
SELECT %(side)s, 'payment', 'IDR', '', 'settled', 1, 0, %(load)s, reconciliation_business_day(at, '0'), f.*
FROM ({rows} {lines}) AS f (order_reference, reference, external_reference, amount, at, method, source)
"""


def fill(loads: dict[str, Load], *, low: int, high: int) -> None:
    """Lines `low` to `high` of both books, each into a load of its own; indexes are built anew afterwards."""
    constraints, indexes = Entry._meta.constraints, Entry._meta.indexes  # noqa: SLF001 - Django's own way to a model's indexes
    with connection.schema_editor() as editor:
        for constraint in constraints:
            editor.remove_constraint(Entry, constraint)
        for index in indexes:
            editor.remove_index(Entry, index)
    engine.execute("SET work_mem = '256MB'")
    for side, lines in ((Side.OURS, _OURS), (Side.HO, _THEIRS)):
        _fill(loads[side], side, lines, low=low, high=high)
    engine.execute("RESET work_mem")
    with connection.schema_editor() as editor:
        editor.execute("SET LOCAL maintenance_work_mem = '512MB'")
        for constraint in constraints:
            editor.add_constraint(Entry, constraint)
        for index in indexes:
            editor.add_index(Entry, index)


def _fill(load: Load, side: str, lines: str, *, low: int, high: int) -> None:
    values = {"side": side, "load": load.pk, "low": low, "high": high, "first": books.FIRST, "every": books.EVERY}
    before = engine.execute("SELECT coalesce(max(id), 0) FROM reconciliation_entry")[0][0]
    engine.execute(_INSERT.format(rows=_ROWS, lines=lines), values)
    count, amount, last = engine.execute(
        "SELECT count(*), sum(amount), max(id) FROM reconciliation_entry WHERE id > %s", [before]
    )[0]
    load.state, load.new, load.totals = "loaded", count, {"IDR": [count, int(amount)]}
    load.first_entry, load.last_entry = before + 1, last
    load.save()
