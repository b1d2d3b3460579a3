"""Many rows of one table written by one statement, each with values of its own."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final, TypeAlias

from django.db import connection, models

Field: TypeAlias = "models.Field[Any, Any]"


@dataclass(frozen=True, slots=True)
class Change:
    """What one row is to become, by field name.

    `seen` holds values that the row must still have, or it is left as it is.
    """

    pk: int
    values: Mapping[str, Any]
    seen: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Column:
    """The values of one column as they are sent: an array to unnest, or one value where all rows have the same."""

    field: Field
    name: str
    sent: Any
    varies: bool

    @property
    def cast(self) -> str:
        return f"%s::{_type(self.field)}{'[]' if self.varies else ''}"

    @property
    def read(self) -> str:
        """How a statement that unnests the arrays as `v` reads it."""
        return f'v."{self.name}"' if self.varies else self.cast


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
        written |= _write(group, model, new=new, old=old)
    return written


def insert(model: type[models.Model], rows: Sequence[Mapping[str, Any]], *, once: bool = False) -> None:
    """New rows, each by its values by field name; all of them name the same fields, the rest has its default.

    `once`: a row that some constraint says is there already is left out, without an error.
    """
    if not rows:
        return
    columns = [
        _column(field, str(field.attname), _new(field, rows)) for field in _fields(model) if field.column != "id"
    ]
    table = model._meta.db_table  # noqa: SLF001 - documented by Django
    names = ", ".join(f'"{column.field.column}"' for column in columns)
    source, values = _source([_numbers(len(rows)), *(column for column in columns if column.varies)])
    read = ", ".join(column.read for column in columns)
    constant = [column.sent for column in columns if not column.varies]
    clash = " ON CONFLICT DO NOTHING" if once else ""
    statement = f'INSERT INTO "{table}" ({names}) SELECT {read} FROM {source}{clash}'  # noqa: S608 - our own names
    with connection.cursor() as cursor:
        cursor.execute(statement, [*constant, *values])


def _new(field: Field, rows: Sequence[Mapping[str, Any]]) -> Sequence[Any]:
    if field.name in rows[0]:
        return [row[field.name] for row in rows]
    return [field.get_default()] * len(rows)


def _numbers(count: int) -> _Column:
    """Something to unnest, also where all values are alike."""
    return _Column(models.BigIntegerField(), "place", array(range(count)), varies=True)


def _fields(model: type[models.Model]) -> Sequence[Field]:
    return model._meta.concrete_fields  # noqa: SLF001 - documented by Django


def _write(changes: Sequence[Change], model: type[models.Model], *, new: Iterable[str], old: Iterable[str]) -> set[int]:
    fields = {field.name: field for field in _fields(model)}
    sets = [_column(fields[name], f"new_{name}", [change.values[name] for change in changes]) for name in new]
    seen = [_column(fields[name], f"old_{name}", [change.seen[name] for change in changes]) for name in old]
    ids = _Column(models.BigIntegerField(), "id", array(change.pk for change in changes), varies=True)
    source, values = _source([ids, *(column for column in (*sets, *seen) if column.varies)])
    told = ", ".join(f'"{column.field.column}" = {column.read}' for column in sets)
    same = "".join(f' AND t."{column.field.column}" = {column.read}' for column in seen)
    table = model._meta.db_table  # noqa: SLF001 - documented by Django
    statement = f'UPDATE "{table}" AS t SET {told} FROM {source} WHERE t.id = v.id{same} RETURNING t.id'  # noqa: S608
    constant = [[column.sent for column in columns if not column.varies] for columns in (sets, seen)]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*constant[0], *values, *constant[1]])
        return {int(pk) for (pk,) in cursor.fetchall()}


def _source(columns: Sequence[_Column]) -> tuple[str, Sequence[Any]]:
    """The arrays as a table `v`, and what is sent for it."""
    casts, names = ", ".join(column.cast for column in columns), ", ".join(f'"{column.name}"' for column in columns)
    return f"unnest({casts}) AS v({names})", [column.sent for column in columns]


def _column(field: Field, name: str, values: Sequence[Any]) -> _Column:
    sent = _values(field, values)
    if all(value is sent[0] or value == sent[0] for value in sent):
        return _Column(field, name, sent[0], varies=False)
    return _Column(field, name, array(sent), varies=True)


def _values(field: Field, values: Iterable[Any]) -> Sequence[Any]:
    """As the driver wants them. Most columns of a batch hold few different values: each is prepared once."""
    known: dict[tuple[type, Any], Any] = {}
    found = []
    for value in values:
        try:
            key = type(value), value
            if key not in known:
                known[key] = _value(field, value)
            found.append(known[key])
        except TypeError:  # a list or a mapping, of JSON
            found.append(_value(field, value))
    return found


def _value(field: Field, value: Any) -> Any:
    """Plain: a list of plain texts and members of an enum would be two types."""
    plain = value.value if isinstance(value, Enum) else value
    return field.get_db_prep_save(plain.pk if isinstance(plain, models.Model) else plain, connection)


def _type(field: Field) -> str:
    """Without its length: a cast would cut what is too long, an assignment refuses it."""
    return (field.db_type(connection) or "text").partition("(")[0]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_AS_TEXT: Final[Mapping[type, Callable[[Any], str]]] = {
    int: str,
    str: _quoted,
    datetime: datetime.isoformat,
    type(None): lambda _none: "NULL",
}


def array(values: Iterable[Any]) -> Any:
    """An array in PostgreSQL's own writing (its manual, 8.15.2); the driver's costs several times as much.

    What is none of the usual types is left to the driver.
    """
    values = list(values)
    try:
        return "{" + ",".join([_AS_TEXT[type(value)](value) for value in values]) + "}"
    except KeyError:
        return values
