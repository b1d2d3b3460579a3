"""Reading for a plan: one read-only snapshot in which nothing can be written, whatever a preview does."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice

from django.db import connection, transaction

from runbooks.models import Plan
from runbooks.registry import Action
from runbooks.registry.action import Input
from runbooks.services import guarding
from runbooks.services.guarding import Seen
from runbooks.subjects import SUBJECTS

BATCH = 2000


@contextmanager
def read_only() -> Iterator[None]:
    """One snapshot; a statement that writes fails. Inside another transaction only the latter holds."""
    nested = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        level = "" if nested else "ISOLATION LEVEL REPEATABLE READ, "
        cursor.execute(f"SET TRANSACTION {level}READ ONLY")
        yield


def look(
    keys: Sequence[str], action: Action, given: Mapping[str, Input], common: Input, *, parent: Plan | None
) -> Iterator[Seen]:
    """What would become of each subject, in the order given. `given` are inputs of single ones."""
    rest, repeats = iter(dict.fromkeys(keys)), ancestors(parent)
    while batch := list(islice(rest, BATCH)):
        facts = SUBJECTS[action.subject].gather(batch)
        seen = {key: Seen(facts[key], action.preview(facts[key], given.get(key, common))) for key in facts}
        blocked = guarding.blocked({key: each for key, each in seen.items() if not each.preview.why}, action, repeats)
        for key in batch:
            if key in seen:
                yield Seen(facts[key], blocked[key]) if key in blocked else seen[key]


def ancestors(plan: Plan | None) -> list[str]:
    """The plans that this one repeats or reverses: they do not cool it down."""
    codes = []
    while plan is not None:
        codes.append(plan.code)
        plan = plan.parent
    return codes
