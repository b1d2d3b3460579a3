"""YAML without surprises: every scalar is text, a name stands once, and each name knows its line.

PyYAML's own types read `no` as false and `1:30` as 90, and let the last of two equal names win.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml


class Malformed(Exception):
    """Not readable. `line` counts from 1 within the text."""

    def __init__(self, said: str, line: int) -> None:
        self.line = line
        super().__init__(said)


@dataclass(frozen=True, slots=True)
class Read:
    """`values` as nested dicts, lists and texts; `lines` says where each top-level name stands."""

    values: Mapping[str, Any]
    lines: Mapping[str, int] = field(default_factory=dict)


def read(text: str) -> Read:
    """A mapping. Raises Malformed."""
    try:
        node = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise Malformed(str(error.problem), mark.line + 1 if mark else 1) from None
    if not isinstance(node, yaml.MappingNode):
        raise Malformed("not a mapping of names to values", 1)
    lines = {str(key.value): key.start_mark.line + 1 for key, _value in node.value}
    return Read(_mapping(node), lines)


def _value(node: Any) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node)
    if isinstance(node, yaml.SequenceNode):
        return [_value(each) for each in node.value]
    return str(node.value)


def _mapping(node: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in node.value:
        if key.value in found:
            raise Malformed(f"“{key.value}” stands twice", key.start_mark.line + 1)
        found[str(key.value)] = _value(value)
    return found
