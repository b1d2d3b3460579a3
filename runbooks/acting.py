"""Writing the effect of a deed once, whoever dies in between."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils import timezone

from orders.leases import hold
from runbooks.models import Deed


class NotYet(Exception):
    """What was asked for is on its way, and the neighbour has not said how it ended: look again, do nothing anew."""


@contextmanager
def once(deed: Deed) -> Iterator[bool]:
    """A transaction for the effect. False when an earlier worker has written it: then only look.

    Raises LostLease when the deed is not ours any more.
    """
    with transaction.atomic():
        hold(deed)
        yield deed.acted_at is None
        if deed.acted_at is None:
            deed.acted_at = timezone.now()
            Deed.objects.filter(pk=deed.pk).update(acted_at=deed.acted_at)
