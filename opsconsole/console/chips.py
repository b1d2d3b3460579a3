"""Filters of a list: what the address says, and the chips that show and change it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.http import urlencode

# An address is typed by anybody: this much of it is read.
MOST_VALUES: Final = 40
LONGEST_VALUE: Final = 80

NONE: Final = "-"  # stands in the address for what an order does not have: no city, no link, no cause yet


@dataclass(frozen=True)
class Choices:
    """What the reader chose, by parameter; a parameter without a value is not there."""

    values: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, query: QueryDict, names: Iterable[str]) -> "Choices":
        """The named parameters in the order of `names`; others belong to somebody else."""
        found = {name: _cleaned(query.getlist(name)) for name in names}
        return cls({name: values for name, values in found.items() if values})

    def many(self, name: str) -> tuple[str, ...]:
        return self.values.get(name, ())

    def one(self, name: str) -> str:
        return self.many(name)[0] if self.many(name) else ""

    def first(self) -> dict[str, str]:
        """For templates: the first value of each parameter."""
        return {name: values[0] for name, values in self.values.items()}

    def query(self, **changes: str | Sequence[str]) -> str:
        """As a query string, with some parameters changed; an empty value takes one out."""
        changed = {name: (value,) if isinstance(value, str) else tuple(value) for name, value in changes.items()}
        merged = {**self.values, **changed}
        return urlencode([(name, value) for name, values in merged.items() for value in values if value])

    def __bool__(self) -> bool:
        return bool(self.values)


@dataclass(frozen=True, kw_only=True)
class Option:
    """One value of a chip. `count` is how many rows it would give, None where nobody counted."""

    value: str
    label: str | Promise
    count: int | None = None
    is_on: bool = False


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A filter: closed it names what is chosen, open it is a short form."""

    name: str
    label: str | Promise
    options: Sequence[Option]
    is_single: bool = False
    more: str = ""  # where all values stand, while only those that are chosen are here

    @property
    def chosen(self) -> str:
        on = [option for option in self.options if option.is_on and option.value]
        return str(on[0].label) if len(on) == 1 else str(len(on) or "")


def words_of(chips: Iterable[Chip]) -> list[str]:
    """The filters that are on, in words."""
    on = [(chip.label, [str(option.label) for option in chip.options if option.is_on]) for chip in chips]
    return [f"{label}: {', '.join(values)}" for label, values in on if values]


def _cleaned(values: Sequence[str]) -> tuple[str, ...]:
    """Without NUL, which PostgreSQL cannot hold, without blanks and doubles, and never too many."""
    kept = (value.replace("\0", "").strip()[:LONGEST_VALUE] for value in values[:MOST_VALUES])
    return tuple(dict.fromkeys(value for value in kept if value))


def day_of(text: str) -> date | None:
    """A business day as the browser's date field writes it."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
