"""What was agreed: what a gateway may keep of a payment, and differences that two people let pass. Pure.

Both are part of a version of the rules (`models.Rules`) and kept there as plain data; amounts are in minor units.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

_STAMPS: Final = ("asked_by", "approved_by")


@dataclass(frozen=True, slots=True)
class Tariff:
    """The fee of one gateway for one way of paying, from a business day on until a later one replaces it.

    The fee is `fixed` and `percent` of the payment, at least `least` and at most `most` (0 is no bound), with `vat`
    upon it, rounded half up; `percent` and `vat` in hundredths of a percent. A fee up to `within` from it is as agreed.
    A step by volume is a tariff of its own, which holds once the payments of that gateway (and way of paying) since the
    first of the month came to `above` before this one.
    """

    gateway: str
    method: str
    currency: str
    fixed: int
    percent: int
    vat: int
    within: int
    valid_from: str  # ISO day
    least: int = 0
    most: int = 0
    above: int = 0

    @property
    def what(self) -> tuple[str, ...]:
        """Two tariffs of the same may not begin on one day, nor at one volume."""
        return self.gateway, self.method, self.currency, self.valid_from, str(self.above)

    def as_data(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Known:
    """A difference (theirs less ours) that one line of each book may show on business days from `first` to `last`.

    `gateway` and `method` are those of our line, `source` that of theirs; at least one of gateway and source is named.
    Both days are included; without `last` it goes on. `asked_by` and `approved_by` are two people.
    """

    pairing: str
    gateway: str
    method: str
    source: str
    currency: str
    difference: int
    first: str
    last: str | None
    reason: str
    asked_by: str = ""
    approved_by: str = ""

    @property
    def name(self) -> str:
        """Names it for good in the matches that it lets pass, whatever becomes of its end and its reason."""
        said = (self.pairing, self.gateway, self.method, self.source, self.currency, str(self.difference), self.first)
        return hashlib.sha256("|".join(said).encode()).hexdigest()[:12]

    @property
    def what(self) -> str:
        """Two statements of the same are one."""
        return self.name

    def as_data(self) -> dict[str, Any]:
        return {"name": self.name, **asdict(self)}


def unapproved(wanted: Iterable[Mapping[str, Any]], in_force: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Those of `wanted` that nobody has approved in these very words. Taking one away needs nobody."""
    approved = [_words(each) for each in in_force]
    return [dict(each) for each in wanted if _words(each) not in approved]


def stamped(
    wanted: Iterable[Mapping[str, Any]], in_force: Iterable[Mapping[str, Any]], *, asked_by: str, approved_by: str
) -> list[dict[str, Any]]:
    """`wanted` with the two people of each: those in force keep theirs."""
    kept = {each["name"]: dict(each) for each in in_force}
    new = {each["name"] for each in unapproved(wanted, kept.values())}
    people = {"asked_by": asked_by, "approved_by": approved_by}
    return [{**each, **people} if each["name"] in new else kept[each["name"]] for each in wanted]


def _words(statement: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in statement.items() if name not in _STAMPS}
