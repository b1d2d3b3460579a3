"""A list that goes on by key: its own address, its first page, and the next one, with the filters kept."""

from dataclasses import dataclass
from typing import Any, ClassVar

from django.urls import reverse
from django.utils.http import urlencode


@dataclass(frozen=True, kw_only=True)
class KeysetList:
    """`asked` is what the address said (`choices`, `after`); `next_place` is where another page begins, if any does."""

    url_name: ClassVar[str]
    asked: Any
    next_place: Any

    @property
    def query(self) -> str:
        return str(self.asked.choices.query())

    @property
    def here(self) -> str:
        return self._with({"after": str(self.asked.after)} if self.asked.after else {})

    @property
    def first(self) -> str:
        """Empty on the first page."""
        return self._with({}) if self.asked.after else ""

    @property
    def next(self) -> str:
        """Empty on the last page."""
        return self._with({"after": str(self.next_place)}) if self.next_place else ""

    def _with(self, place: dict[str, str]) -> str:
        query = "&".join(each for each in (self.query, urlencode(place)) if each)
        address = reverse(self.url_name)
        return f"{address}?{query}" if query else address
