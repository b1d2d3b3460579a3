"""Loads and feeds as screens show them. Fixed numbers of queries, pages by key."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from reconciliation.models import Feed, LayoutVersion, Load, LoadEvent, QuarantinedRow
from reconciliation.states import LoadState

# What a list of loads needs of a load: never its mapping, which is the largest part of the row.
_HEAVY = ("mapping", "notes", "stated", "control")


@dataclass(frozen=True)
class LoadPage:
    """Newest first. `next` is the id to go on below, None on the last page."""

    loads: Sequence[Load]
    next: int | None


def load_page(*, state: str = "", side: str = "", below: int | None = None, limit: int = 50) -> LoadPage:
    found = _matching(state, side)
    if below is not None:
        found = found.filter(pk__lt=below)
    loads = list(found.select_related("feed").defer(*_HEAVY).order_by("-pk")[: limit + 1])
    return LoadPage(loads[:limit], loads[limit - 1].pk if len(loads) > limit else None)


def loads_in_all(*, state: str = "", side: str = "") -> int:
    return _matching(state, side).count()


def held_loads(*, limit: int = 20) -> list[Load]:
    """What waits for a person, the oldest first."""
    held = Load.objects.filter(state=LoadState.HELD).select_related("feed").defer(*_HEAVY)
    return list(held.order_by("pk")[:limit])


def loads_of(feed: Feed, *, limit: int) -> list[Load]:
    """The newest of one feed."""
    return list(Load.objects.filter(feed=feed).select_related("feed").defer(*_HEAVY).order_by("-pk")[:limit])


def layouts_used() -> list[str]:
    """Names of the layouts by which the newest files were read, the last one first."""
    labels = Load.objects.exclude(file="").order_by("-pk").values_list("layout", flat=True)[:100]
    return list(dict.fromkeys(layout_name(label) for label in labels))


def layout_name(label: str) -> str:
    """Of a load's label: `xendit@3 +` is the third version of xendit, changed for one file."""
    return label.partition(" ")[0].partition("@")[0]


def all_feeds() -> list[Feed]:
    """Ours first, then the gateways', then Head Office's."""
    sides = {"ours": 0, "gateway": 1, "ho": 2}
    return sorted(Feed.objects.filter(is_active=True), key=lambda feed: (sides.get(feed.side, 3), feed.source))


def load_of(pk: int) -> Load | None:
    return Load.objects.select_related("feed").filter(pk=pk).first()


def history_of(load: Load) -> list[LoadEvent]:
    return list(load.events.order_by("id"))


def put_aside(load: Load, *, limit: int) -> list[QuarantinedRow]:
    return list(load.quarantine.order_by("part", "line")[:limit])


def all_put_aside(load: Load) -> QuerySet[QuarantinedRow]:
    return load.quarantine.order_by("part", "line")


def earlier_with_same_file(load: Load) -> Load | None:
    """The load that took in this very file before."""
    if not load.digest:
        return None
    same = Load.objects.filter(digest=bytes(load.digest), feed=load.feed_id, state=LoadState.LOADED, pk__lt=load.pk)
    return same.order_by("-pk").first()


def saved_versions(name: str = "") -> list[LayoutVersion]:
    """Newest first; all of them, or those of one layout."""
    versions = LayoutVersion.objects.order_by("name", "-number")
    return list(versions.filter(name=name) if name else versions)


def _matching(state: str, side: str) -> QuerySet[Load]:
    found = Load.objects.all()
    if state:
        found = found.filter(state=state)
    return found.filter(feed__side=side) if side else found
