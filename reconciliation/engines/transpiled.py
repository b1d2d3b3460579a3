"""The first pass in the words of another engine, by sqlglot. Only for writing the committed text, and for its test."""

from pathlib import Path
from typing import Final

import reconciliation
from reconciliation.engines import ENGINES

SOURCE: Final = Path(reconciliation.__file__).parent / "engine" / "pass_0_one_each.sql"
_RANGE: Final = "WHERE (%(low)s IS NULL OR key >= %(low)s) AND (%(high)s IS NULL OR key < %(high)s)"
DIALECTS: Final = tuple(name for name in ENGINES if name != "postgresql")


def transpiled(engine: str) -> str:
    """What `<engine>.sql` must say: all keys in one range, every name quoted."""
    import sqlglot

    text = SOURCE.read_text()
    if text.count(_RANGE) != 2:
        raise ValueError(f"{SOURCE.name} no longer takes its keys from ranges as this module knows it")
    text = text.replace(_RANGE, "")
    head = f"-- Generated from {SOURCE.parent.name}/{SOURCE.name} by `manage.py transpile_engine`; do not edit.\n"
    body: str = sqlglot.transpile(text, read="postgres", write=engine, identify=True, pretty=True, comments=False)[0]
    return f"{head}{body}\n"
