"""Tones of reconciliation: whose move it is."""

from collections.abc import Mapping
from typing import Final

from opsconsole.console.tones import Tone
from reconciliation.ageing import Severity
from reconciliation.states import BreakState, FeedHealth, LinkState, LoadState, RunState

LOAD_TONES: Final[Mapping[str, Tone]] = {
    LoadState.READING: Tone.ACTIVE,
    LoadState.LOADED: Tone.DONE,
    LoadState.HELD: Tone.ATTENTION,
    LoadState.REFUSED: Tone.FAILED,
    LoadState.DROPPED: Tone.NEUTRAL,
}
FEED_TONES: Final[Mapping[str, Tone]] = {
    FeedHealth.NEVER: Tone.NEUTRAL,
    FeedHealth.WELL: Tone.DONE,
    FeedHealth.LATE: Tone.ATTENTION,
    FeedHealth.BROKEN: Tone.FAILED,
}
RUN_TONES: Final[Mapping[str, Tone]] = {
    RunState.WAITING: Tone.ACTIVE,
    RunState.RUNNING: Tone.ACTIVE,
    RunState.DONE: Tone.DONE,
    RunState.FAILED: Tone.FAILED,
}
BREAK_TONES: Final[Mapping[str, Tone]] = {
    BreakState.OPEN: Tone.ATTENTION,
    BreakState.HEALED: Tone.DONE,
    BreakState.RESOLVED: Tone.NEUTRAL,
}
LINK_TONES: Final[Mapping[str, Tone]] = {
    LinkState.PROPOSED: Tone.WAITING,
    LinkState.LINKED: Tone.DONE,
    LinkState.REFUSED: Tone.NEUTRAL,
    LinkState.WITHDRAWN: Tone.NEUTRAL,
    LinkState.UNDONE: Tone.NEUTRAL,
}
# As solid squares, the shape of priorities.
SEVERITY_SQUARES: Final[Mapping[str, int]] = {
    Severity.CRITICAL: 0,
    Severity.HIGH: 1,
    Severity.MEDIUM: 2,
    Severity.LOW: 3,
}
