"""Layouts that come with the product, one TOML file each, with the source of what is known of the format."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from reconciliation.layouts.layout import Layout, LayoutRefused

_FOLDER: Final = Path(__file__).parent
BUILTIN: Final = tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@lru_cache(maxsize=1)
def _all() -> Mapping[str, Layout]:
    return MappingProxyType({name: Layout.from_toml((_FOLDER / f"{name}.toml").read_text()) for name in BUILTIN})


def builtin(name: str) -> Layout:
    """Raises LayoutRefused for a name that is not in `BUILTIN`."""
    try:
        return _all()[name]
    except KeyError as error:
        raise LayoutRefused("unknown_layout", name=name, known=", ".join(BUILTIN)) from error
