"""Tones of loads and feeds: whose move it is."""

from collections.abc import Mapping
from typing import Final

from opsconsole.console.tones import Tone
from reconciliation.states import FeedHealth, LoadState

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
