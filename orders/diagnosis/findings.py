"""What a rule says: a cause, how sure it is, and the sentences that show why."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from django.utils import dateformat, timezone
from django.utils.translation import gettext

from orders.diagnosis.causes import WORDS, Cause, NextStep

CERTAIN: Final = 95
LIKELY: Final = 80
POSSIBLE: Final = 60
GUESS: Final = 20


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in every language: its English text, and what goes into it.

    Values are JSON; one whose name ends in `_at` is an instant in ISO 8601 and is shown in WIB.
    """

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return gettext(self.text) % {name: _shown(name, value) for name, value in self.values.items()}


def said(text: str, **values: Any) -> Sentence:
    """A sentence; `text` is marked by gettext_noop where it is written."""
    return Sentence(text, {name: _kept(value) for name, value in values.items()})


def _kept(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _shown(name: str, value: Any) -> Any:
    if not name.endswith("_at") or value is None:
        return value
    at = timezone.localtime(datetime.fromisoformat(value))
    return f"{dateformat.format(at, 'j M Y, H:i:s')} WIB"


@dataclass(frozen=True, slots=True)
class Finding:
    """`confidence` is 0-100. The next step is the cause's own unless the rule knows better."""

    cause: Cause
    confidence: int
    evidence: tuple[Sentence, ...] = ()
    step: NextStep | None = None

    @property
    def next_step(self) -> NextStep:
        return self.step or WORDS[self.cause].next_step


def stored(evidence: Sequence[Sentence]) -> list[dict[str, Any]]:
    """Sentences as JSON, for the Diagnosis row."""
    return [asdict(sentence) for sentence in evidence]


def restored(kept: Sequence[Mapping[str, Any]]) -> list[Sentence]:
    """Sentences of a Diagnosis row; `str()` of one is in the reader's language."""
    return [Sentence(**sentence) for sentence in kept]
