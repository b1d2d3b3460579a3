"""Their words into ours: in any case, with `*` as a wildcard, the first that fits."""

from collections.abc import Mapping
from fnmatch import fnmatchcase


class Words:
    """A table of words that remembers what it has looked up: a report uses few words many times."""

    def __init__(self, table: Mapping[str, str]) -> None:
        self._table = {theirs.casefold(): ours for theirs, ours in table.items()}
        self._known: dict[str, str | None] = {}

    def __bool__(self) -> bool:
        return bool(self._table)

    def get(self, text: str) -> str | None:
        """Ours, or None where no word fits."""
        try:
            return self._known[text]
        except KeyError:
            found = self._look_up(text.casefold())
            if len(self._known) < 10_000:
                self._known[text] = found
            return found

    def _look_up(self, text: str) -> str | None:
        if text in self._table:
            return self._table[text]
        return next((ours for theirs, ours in self._table.items() if fnmatchcase(text, theirs)), None)
