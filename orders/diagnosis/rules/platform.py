"""When it is not the order: our own workers or the database could not do the work."""

from collections.abc import Callable, Iterable

from django.utils.translation import gettext_noop as _

from orders.diagnosis.causes import Cause
from orders.diagnosis.evidence import Evidence, Work
from orders.diagnosis.findings import CERTAIN, POSSIBLE, Finding, said

# What PostgreSQL, PgBouncer and psycopg say when no connection is to be had.
_POOL_WORDS = (
    "too many clients",
    "remaining connection slots",
    "pooltimeout",
    "query_wait_timeout",
    "no more connections allowed",
    "couldn't get a connection",
    "connection pool",
)
_ENDED = frozenset({"paid", "declined", "expired", "recorded", "succeeded", "done", "applied", "compensated"})


def database_pool_dry(evidence: Evidence) -> Finding | None:
    """A worker put the work aside because it had no database connection."""
    for work in _open_work(evidence):
        error = work.last_error.casefold()
        if any(words in error for words in _POOL_WORDS):
            return Finding(
                Cause.DATABASE_POOL_DRY,
                CERTAIN,
                (said(_("The last try ended with: %(error)s"), error=work.last_error[:200]),),
            )
    return None


def worker_backlog(evidence: Evidence) -> Finding | None:
    """The work is due, free, and nobody has looked at it; more certain when the workers are silent."""
    waiting = [work for work in _open_work(evidence) if work.is_overdue(evidence.at) and not _was_begun(work)]
    if not waiting:
        return None
    since = min(work.due_at for work in waiting if work.due_at is not None)
    sentences = [said(_("The work has been due since %(due_at)s and no worker has taken it."), due_at=since)]
    silence = evidence.platform.silent_for("act", evidence.at)
    if silence is None:
        return Finding(Cause.WORKER_BACKLOG, POSSIBLE, tuple(sentences))
    minutes = int(silence.total_seconds() // 60)
    sentences.append(said(_("The workers have given no sign for %(minutes)s minutes."), minutes=minutes))
    return Finding(Cause.WORKER_BACKLOG, CERTAIN - 2, tuple(sentences))


def _was_begun(work: Work) -> bool:
    """A lease that was taken and left is another story: the worker died with it."""
    return work.lease_until is not None


def _open_work(evidence: Evidence) -> Iterable[Work]:
    """Whatever of this order a worker should be doing."""
    everything: tuple[Iterable[Work], ...] = (
        evidence.attempts,
        evidence.inbound,
        evidence.sagas,
        evidence.saga_steps,
        evidence.dispatches,
        evidence.refunds,
        evidence.postings,
    )
    return [work for works in everything for work in works if work.state not in _ENDED]


RULES: tuple[Callable[[Evidence], Finding | None], ...] = (database_pool_dry, worker_backlog)
