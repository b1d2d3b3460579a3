"""The registered actions: what a plan may do, each under a name and a version.

Any change of what an action means gets a new version, so that a plan, a runbook file or an approval never
turns into something else than was read.
"""

from collections.abc import Mapping
from typing import Final

from runbooks.registry.action import Action, Preview, Touch
from runbooks.registry.breaks import BREAK_ACTIONS
from runbooks.registry.letters import LETTER_ACTIONS
from runbooks.registry.orders import ORDER_ACTIONS
from runbooks.registry.parts import PART_ACTIONS
from runbooks.registry.platform import PLATFORM_ACTIONS

_ALL: Final = (*ORDER_ACTIONS, *PART_ACTIONS, *LETTER_ACTIONS, *BREAK_ACTIONS, *PLATFORM_ACTIONS)
ACTIONS: Final[Mapping[str, Action]] = {str(action): action for action in _ALL}


def find(ref: str) -> Action | None:
    """The action of `name@version`; None when nobody registered it."""
    return ACTIONS.get(ref)


def newest(name: str) -> Action:
    """The highest version under a name. KeyError for a name that nobody registered."""
    found = [action for action in ACTIONS.values() if action.name == name]
    if not found:
        raise KeyError(name)
    return max(found, key=lambda action: action.version)


__all__ = ["ACTIONS", "Action", "Preview", "Touch", "find", "newest"]
