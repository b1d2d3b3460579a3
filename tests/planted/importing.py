"""An importer that changes the source of some modules on the way in."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from tests.planted.bugs import BUGS, Change


class DoesNotFit(Exception):
    """The source has moved on: the bug has to be written anew."""


def changed(source: str, changes: Sequence[Change]) -> str:
    for change in changes:
        if source.count(change.old) != 1:
            raise DoesNotFit(f"{change.module} has {source.count(change.old)} times: {change.old!r}")
        source = source.replace(change.old, change.new)
    return source


class ChangedSource(SourceFileLoader):
    """Compiles the changed source, and never reads or writes a compiled file."""

    def __init__(self, name: str, path: str, changes: Sequence[Change]) -> None:
        super().__init__(name, path)
        self.changes = changes

    def get_code(self, fullname: str) -> CodeType:
        return compile(changed(Path(self.path).read_text(), self.changes), self.path, "exec", dont_inherit=True)


class Planter(MetaPathFinder):
    def __init__(self, changes: Sequence[Change]) -> None:
        self.changes = changes

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        changes = [change for change in self.changes if change.module == fullname]
        spec = PathFinder.find_spec(fullname, path, target) if changes else None
        if spec is not None and spec.origin is not None:
            spec.loader = ChangedSource(fullname, spec.origin, changes)
        return spec


def plant(bug: str) -> None:
    """From here on, what is imported has the bug; what is imported already must not be concerned."""
    changes = BUGS[bug]
    late = {change.module for change in changes} & set(sys.modules)
    if late:
        raise DoesNotFit(f"imported already: {', '.join(sorted(late))}")
    sys.meta_path.insert(0, Planter(changes))
