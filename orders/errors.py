"""Refusals of the domain. Each is one sentence a person can act on."""

from django.utils.translation import gettext as _


class Refusal(Exception):
    """The domain says no. `str(error)` is a sentence in the reader's language."""


def sentence(error: Exception) -> str:
    """What people read of a row that could not be done: a refusal's own words, never the insides of a fault of ours."""
    return str(error)[:300] if isinstance(error, Refusal) else f"a fault of the platform itself: {type(error).__name__}"


class StaleState(Refusal):
    """The row moved on since the caller looked."""

    def __init__(self, *, subject: str, expected: str, found: str) -> None:
        self.subject, self.expected, self.found = subject, expected, found
        super().__init__(
            _("%(subject)s has changed since: it was %(expected)s and is now %(found)s.")
            % {"subject": subject, "expected": expected, "found": found}
        )


class IllegalEdge(Refusal):
    """The edge table has no such edge."""

    def __init__(self, *, subject: str, state: str, verb: str) -> None:
        self.subject, self.state, self.verb = subject, state, verb
        super().__init__(
            _("%(subject)s is %(state)s; “%(verb)s” is not possible from there.")
            % {"subject": subject, "state": state, "verb": verb}
        )


class NotAllowed(Refusal):
    """A rule forbids it. The sentence says which."""


class LostLease(Refusal):
    """Another worker took the row over; what this one did must not be written."""
