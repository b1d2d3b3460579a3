"""Many rows of one table written by one statement, each with values of its own."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.db import connection, models

Fields = Sequence["models.Field[Any, Any]"]


@dataclass(frozen=True, slots=True)
class Change:
    """What one row is to become, by field name.

    `seen` holds values that the row must still have, or it is left as it is.
    """

    pk: int
    values: Mapping[str, Any]
    seen: Mapping[str, Any]


def write(model: type[models.Model], changes: Iterable[Change]) -> set[int]:
    """Write each change whose row is still as it was seen; the ids of the rows written.

    One statement for all changes that set the same fields. It locks rows in no order: where two
    such statements may meet, lock the rows before.
    """
    alike: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Change]] = defaultdict(list)
    for change in changes:
        alike[tuple(change.values), tuple(change.seen)].append(change)
    written: set[int] = set()
    for (new, old), group in alike.items():
        written |= _write(group, model, new=_fields(model, new), old=_fields(model, old))
    return written


def _fields(model: type[models.Model], names: Iterable[str]) -> Fields:
    fields = {field.name: field for field in model._meta.concrete_fields}  # noqa: SLF001 - documented by Django
    return [fields[name] for name in names]


def _write(changes: Sequence[Change], model: type[models.Model], *, new: Fields, old: Fields) -> set[int]:
    arrays = [
        [change.pk for change in changes],
        *([_value(field, change.values[field.name]) for change in changes] for field in new),
        *([_value(field, change.seen[field.name]) for change in changes] for field in old),
    ]
    with connection.cursor() as cursor:
        cursor.execute(_statement(model, new=new, old=old), arrays)
        return {int(pk) for (pk,) in cursor.fetchall()}


def _statement(model: type[models.Model], *, new: Fields, old: Fields) -> str:
    """The same text for any number of rows: the values come as one array a column."""
    sets = ", ".join(f'"{field.column}" = v.new{place}' for place, field in enumerate(new))
    same = "".join(f' AND t."{field.column}" = v.old{place}' for place, field in enumerate(old))
    names = ["id", *(f"new{place}" for place in range(len(new))), *(f"old{place}" for place in range(len(old)))]
    arrays = ", ".join(["%s::bigint[]", *(f"%s::{_type(field)}[]" for field in (*new, *old))])
    table = model._meta.db_table  # noqa: SLF001 - documented by Django
    return (
        f'UPDATE "{table}" AS t SET {sets} '  # noqa: S608 - names of our own models
        f"FROM unnest({arrays}) AS v({', '.join(names)}) WHERE t.id = v.id{same} RETURNING t.id"
    )


def _type(field: "models.Field[Any, Any]") -> str:
    """Without its length: a cast would cut what is too long, an assignment refuses it."""
    return (field.db_type(connection) or "text").partition("(")[0]


def _value(field: "models.Field[Any, Any]", value: Any) -> Any:
    """As the driver wants it; a list of plain texts and members of an enum would be two types."""
    plain = value.value if isinstance(value, Enum) else value
    return field.get_db_prep_save(plain.pk if isinstance(plain, models.Model) else plain, connection)
