"""Finding an order by whatever a person has in hand: one statement, every arm an index.

An order's own id may be typed in part, with or without its prefix; everything else is known exactly.
Phone numbers are tried in the spellings people and channels use.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from orders import names
from orders.queries.stuck.lists import fetch

PREFIX: Final = "MRG-"
SHORTEST_PART: Final = 3
MOST: Final = 50
LAST: Final = "\U0010ffff"  # sorts behind every character: what begins with a text ends before the text and it
COUNTRY: Final = "62"  # Indonesia: 0812… is +62812…

_PHONE: Final = re.compile(r"\+?[\d\s().-]{8,24}", re.ASCII)


class Kind(StrEnum):
    """What of an order was found. The first three name one order for certain."""

    ORDER = "order"
    PAYMENT = "payment"
    GATEWAY = "gateway"
    HEAD_OFFICE = "ho"
    BOOKING = "booking"
    REFUND = "refund"
    PHONE = "phone"
    EMAIL = "email"
    CUSTOMER = "customer"
    ORDER_PART = "part"


@dataclass(frozen=True, slots=True)
class Match:
    """An order and what of it fits; `value` is as it is stored."""

    order_id: int
    kind: Kind
    value: str


# `NOT (… = '')` is the condition of the partial index, word for word. `LIKE ANY` would read the whole index of ids:
# what begins with a part is a range of it.
_SEARCH: Final = """
(SELECT id, 'order' AS kind, public_id AS value FROM orders_order WHERE public_id = ANY(%(ids)s))
UNION ALL
(SELECT order_id, 'payment', reference FROM orders_attempt WHERE reference = ANY(%(exact)s))
UNION ALL
(SELECT order_id, 'gateway', gateway_reference FROM orders_attempt
 WHERE gateway_reference = %(text)s LIMIT %(most)s)
UNION ALL
(SELECT order_id, 'ho', reference FROM orders_posting WHERE reference = ANY(%(exact)s))
UNION ALL
(SELECT order_id, 'ho', ho_reference FROM orders_posting
 WHERE ho_reference = %(text)s AND NOT (ho_reference = '') LIMIT %(most)s)
UNION ALL
(SELECT order_id, 'booking', partner_reference FROM orders_step
 WHERE partner_reference = %(text)s LIMIT %(most)s)
UNION ALL
(SELECT order_id, 'refund', key FROM orders_refund WHERE key = ANY(%(exact)s))
UNION ALL
(SELECT order_id, 'refund', bank_reference FROM orders_refund
 WHERE bank_reference = %(transfer)s AND NOT (bank_reference = ''))
UNION ALL
(SELECT id, 'phone', customer_phone FROM orders_order
 WHERE customer_phone = ANY(%(phones)s) ORDER BY id DESC LIMIT %(most)s)
UNION ALL
(SELECT id, 'email', customer_email FROM orders_order
 WHERE customer_email = ANY(%(emails)s) ORDER BY id DESC LIMIT %(most)s)
UNION ALL
(SELECT id, 'customer', customer_id FROM orders_order
 WHERE customer_id = ANY(%(exact)s) ORDER BY placed_at DESC LIMIT %(most)s)
UNION ALL
(SELECT o.id, 'part', o.public_id FROM unnest(%(parts)s::text[]) p(begins) CROSS JOIN LATERAL (
  SELECT id, public_id FROM orders_order
  WHERE public_id ~>=~ p.begins AND public_id ~<~ (p.begins || %(last)s) AND NOT public_id = ANY(%(ids)s)
  ORDER BY public_id USING ~<~ LIMIT %(most)s) o ORDER BY o.public_id USING ~<~ LIMIT %(most)s)
"""


def search(text: str) -> list[Match]:
    """Everything that fits, the surest kind first. One query; none for an empty text."""
    wanted = text.replace("\0", "").strip()
    if not wanted:
        return []
    ids = _ids(wanted)
    params = {
        "text": wanted,
        "transfer": names.bank_reference(wanted),
        "exact": list(dict.fromkeys((wanted, wanted.upper(), wanted.lower()))),
        "ids": ids,
        "parts": [each for each in ids if _is_part(each)],
        "last": LAST,
        "phones": _phones(wanted),
        "emails": [wanted, wanted.lower()] if "@" in wanted else [],
        "most": MOST,
    }
    order = list(Kind)
    found = [Match(row["id"], Kind(row["kind"]), row["value"]) for row in fetch(_SEARCH, params)]
    return sorted(found, key=lambda match: (order.index(match.kind), match.value))


def certain(matches: Sequence[Match]) -> int | None:
    """The one order that is meant: its own id, or the only order that anything fits exactly."""
    own = [match.order_id for match in matches if match.kind == Kind.ORDER]
    if len(set(own)) == 1:
        return own[0]
    exact = {match.order_id for match in matches if match.kind != Kind.ORDER_PART}
    return next(iter(exact)) if len(exact) == 1 else None


def _ids(text: str) -> list[str]:
    """The id as typed, in capitals for people who type `mrg-48175`, and with its prefix for `48175`."""
    given = [text, text.upper()] if text.upper().startswith(PREFIX) else [text, text.lower()]
    return list(dict.fromkeys([*given, f"{PREFIX}{text}"] if text.isascii() and text.isdecimal() else given))


def _is_part(given: str) -> bool:
    """Something after the prefix is enough; without it so few letters would be anything."""
    own = given.removeprefix(PREFIX)
    return len(own) >= (1 if own != given else SHORTEST_PART)


def _phones(text: str) -> list[str]:
    if not _PHONE.fullmatch(text):
        return []
    digits = "".join(letter for letter in text if letter.isdecimal())
    rest = digits.removeprefix(COUNTRY) if digits.startswith(COUNTRY) else digits.removeprefix("0")
    return [text, f"+{COUNTRY}{rest}", f"{COUNTRY}{rest}", f"0{rest}", f"+{digits}", digits]
