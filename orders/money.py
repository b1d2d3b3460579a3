"""Amounts: decimal text to whole minor units and back. The one place that knows the exponents.

Exponents are those of ISO 4217 (list one, 2024), except that the rupiah has none here: nobody in
Indonesia is paid in sen, and every neighbour sends whole rupiah (domain, section 1).
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

MINUS = "\u2212"  # as figures are set; a hyphen is shorter than a digit
_WITHOUT = "BIF CLP DJF GNF IDR ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_FOUR = "CLF UYW"
_TWO = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD "
    "CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ "
    "GYD HKD HNL HTG HUF ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA "
    "MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN "
    "QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP "
    "TRY TTD TWD TZS UAH USD UYU UZS VES WST XCD YER ZAR ZMW ZWG"
)

EXPONENTS: Mapping[str, int] = MappingProxyType(
    {
        code: exponent
        for exponent, codes in ((0, _WITHOUT), (2, _TWO), (3, _THREE), (4, _FOUR))
        for code in codes.split()
    }
)

LARGEST = 2**63 - 1  # what a bigint column holds
_DECIMAL = re.compile(r"(-?)(\d{1,19})(?:\.(\d*))?", re.ASCII)


class NotMoney(ValueError):
    """The text is no amount of that currency. `str(error)` says what is wrong with it."""


def exponent(currency: str) -> int:
    """Decimals of `currency`. Raises NotMoney for a code that ISO 4217 does not have."""
    if currency not in EXPONENTS:
        raise NotMoney(f"{currency!r} is not a currency code")
    return EXPONENTS[currency]


def to_minor(text: str, *, currency: str) -> int:
    """`"61.62"` BRL is 6162. Raises NotMoney rather than round or guess a separator."""
    digits = exponent(currency)
    match = _DECIMAL.fullmatch(text.strip())
    if match is None:
        raise NotMoney(f"{text!r} is not an amount")
    sign, whole, decimals = match.group(1), match.group(2), (match.group(3) or "").rstrip("0")
    if len(decimals) > digits:
        raise NotMoney(f"{text!r} has more decimals than {currency} ({digits})")
    amount = int(sign + whole + decimals.ljust(digits, "0"))
    if abs(amount) > LARGEST:
        raise NotMoney(f"{text!r} is too large")
    return amount


def to_major(amount: int, *, currency: str) -> str:
    """6162 BRL is `"61.62"`, 150000 IDR is `"150000"`. For files and APIs, not for screens."""
    digits = exponent(currency)
    if not digits:
        return str(amount)
    whole, decimals = divmod(abs(amount), 10**digits)
    return f"{'-' if amount < 0 else ''}{whole}.{decimals:0{digits}d}"


def shown(amount: int, *, currency: str) -> str:
    """`Rp 1.234.567`, `BRL 136,23`: in messages to people, in every language the same."""
    digits = exponent(currency)
    whole, decimals = divmod(abs(amount), 10**digits)
    text = f"{whole:,}".replace(",", ".") + (f",{decimals:0{digits}d}" if digits else "")
    return f"{MINUS if amount < 0 else ''}{'Rp' if currency == 'IDR' else currency} {text}"
