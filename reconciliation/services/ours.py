"""Our own book: the money ledger of `orders`, copied as it grows.

A copy and not a view: the books have to lie in one order to be merged (docs/adr/0062).
"""

from typing import Final

from django.db.models import Max
from django.utils import timezone

from orders.models import LedgerEntry
from reconciliation.models import Feed, Load
from reconciliation.services import engine
from reconciliation.services.entries import TakenIn, take_in_by
from reconciliation.states import FeedHealth, LoadState, Side

SOURCE: Final = "ledger"
# Facts become visible in another order than that of their ids: a transaction that took its id early may commit late.
# Each copy therefore reads again as many ids as all transactions of some minutes can have taken.
OVERLAP: Final = 5000


def copy_ours() -> TakenIn:
    """Bring our book up to date with the ledger; cheap when nothing is new."""
    feed, _new = Feed.objects.get_or_create(side=Side.OURS, source=SOURCE)
    began, last = timezone.now(), LedgerEntry.objects.aggregate(last=Max("id"))["last"] or 0
    load = Load(feed=feed, name=f"ledger up to {last}", layout=SOURCE, actor="ledger", control={SOURCE: last})
    load.save()
    taken = take_in_by(load, lambda: engine.run("ours", {"after": _known(feed) - OVERLAP}))
    if not taken.new:
        # Not `delete()`: it would look through the whole book for lines of this load, of which there are none.
        engine.execute("DELETE FROM reconciliation_load WHERE id = %s", [load.pk])
    feed.complete_up_to, feed.health = began, FeedHealth.WELL
    feed.save(update_fields=["complete_up_to", "health"])
    return taken


def _known(feed: Feed) -> int:
    """The last fact of the ledger that an earlier copy saw."""
    last = feed.loads.filter(state=LoadState.LOADED).order_by("-id").values_list("control", flat=True).first()
    return int((last or {}).get(SOURCE, 0))
