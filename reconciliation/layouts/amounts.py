"""Sums as other people write them, into minor units. Nothing is rounded and no separator is guessed."""

import re
from typing import Final

from orders.money import LARGEST, NotMoney, exponent, to_minor
from reconciliation.reading.problems import Problem

_DRESS: Final = re.compile(r"^(?:Rp\.?|IDR|USD|BRL|EUR|SGD|\$|€)\s*|\s*(?:IDR|USD|BRL|EUR|SGD)$", re.IGNORECASE)
_GROUPED: Final = {
    ".": re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d*)?", re.ASCII),
    ",": re.compile(r"-?\d{1,3}(?:\.\d{3})+(?:,\d*)?", re.ASCII),
}
# Three decimals look like a group of thousands: "150.000" is Rp 150 to a parser and Rp 150.000 to a person.
_THREE_DECIMALS: Final = re.compile(r"-?\d{1,3}\.\d{3}", re.ASCII)
SHORT: Final = 15  # digits that certainly fit


class NotAnAmount(Exception):
    """The text is no amount. Carries the problem for the quarantine."""

    def __init__(self, code: str, text: str, currency: str) -> None:
        super().__init__(code, text)
        self.problem = Problem(code, {"text": text, "currency": currency})


def minor_units(text: str, currency: str, *, mark: str = ".", is_minor: bool = False) -> int:
    """`"1.234,50"` with mark `,` is 123450 in BRL. Raises NotAnAmount, or NotMoney for an unknown currency."""
    digits = exponent(currency)
    if len(text) <= SHORT and text.isdigit() and text.isascii():
        return int(text) * (1 if is_minor else 10**digits)
    plain = _undressed(text, mark)
    if plain is None:
        raise NotAnAmount("amount", text, currency)
    if not is_minor and digits != 3 and _THREE_DECIMALS.fullmatch(plain) and "," not in text:
        raise NotAnAmount("ambiguous_amount", text, currency)
    try:
        return _whole(plain) if is_minor else to_minor(plain, currency=currency)
    except NotMoney as error:
        raise NotAnAmount(_code(str(error)), text, currency) from error


def _whole(plain: str) -> int:
    value = to_minor(plain, currency="IDR")  # as a currency without decimals: "150000.00" is whole, "1.5" is not
    if abs(value) > LARGEST:
        raise NotMoney(plain)
    return value


def _undressed(text: str, mark: str) -> str | None:
    """Without currency and thousands, a minus where the accountant wrote brackets; None where marks are mixed up."""
    plain = _DRESS.sub("", text.strip().replace("\u00a0", " ")).strip().replace("−", "-")
    if plain.startswith("(") and plain.endswith(")"):
        plain = f"-{plain[1:-1].strip()}"
    plain = plain.removeprefix("+")
    if _GROUPED[mark].fullmatch(plain):
        plain = plain.replace("." if mark == "," else ",", "")
    if mark == ",":
        return None if "." in plain else plain.replace(",", ".")
    return plain


def _code(said: str) -> str:
    if "decimals" in said:
        return "decimals"
    return "large" if "large" in said else "amount"
