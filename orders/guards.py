"""Migration operations that load SQL files and the edge table."""

from pathlib import Path
from typing import Any

from django.db import migrations

from orders.states import MACHINES

SQL = Path(__file__).parent / "sql"


def run_sql_file(name: str) -> migrations.RunSQL:
    """Run `orders/sql/<name>`. The files only ever CREATE OR REPLACE, so they may run again."""
    return migrations.RunSQL((SQL / name).read_text(), migrations.RunSQL.noop)


def seed_edges() -> migrations.RunPython:
    """Make orders_edge equal to `orders.states`. Every change of the table gets a new migration.

    Add an edge in a release before the code that uses it, remove it in the release after.
    """
    return migrations.RunPython(_seed, migrations.RunPython.noop)


def edge_rows() -> set[tuple[str, str, str, str]]:
    """(machine, source, verb, target) of every edge, births as edges from ''."""
    rows = {(m.name, source, verb, target) for m in MACHINES.values() for (source, verb), target in m.edges.items()}
    return rows | {(m.name, "", "create", birth) for m in MACHINES.values() for birth in m.births}


def _seed(apps: Any, schema_editor: Any) -> None:
    edge = apps.get_model("orders", "Edge")
    edge.objects.all().delete()
    edge.objects.bulk_create(
        edge(machine=machine, source=source, verb=verb, target=target)
        for machine, source, verb, target in sorted(edge_rows())
    )
