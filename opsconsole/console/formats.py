"""Money, time and spans as people read them. Pure: the language is a parameter, the clock too."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.translation import get_language

from orders.money import MINUS

WIB: Final = ZoneInfo("Asia/Jakarta")
NO_BREAK: Final = "\u00a0"

# Minor units where they are not 2. Rupiah is kept in whole rupiah everywhere in this product,
# although ISO 4217 gives it two decimals; the others are ISO 4217's own.
DECIMALS: Final[Mapping[str, int]] = MappingProxyType(
    {
        **dict.fromkeys(("IDR", "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
        **dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
        **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    }
)

_MONTHS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
        "id": ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"),
    }
)

# Never one letter in Indonesian: `h` is hari (day) there and hour in English.
_UNITS: Final[Mapping[str, tuple[str, str, str, str]]] = MappingProxyType(
    {"en": ("d", "h", "m", "s"), "id": (" hari", " jam", " mnt", " dtk")}
)


def money(amount: int, *, currency: str = "IDR") -> str:
    """Minor units as text: `Rp 1.234.567`, `BRL 136,23`. The same in every language, so that figures match."""
    digits = DECIMALS.get(currency, 2)
    whole, fraction = divmod(abs(amount), 10**digits)
    text = f"{whole:,}".replace(",", ".")
    if digits:
        text = f"{text},{fraction:0{digits}}"
    sign = MINUS if amount < 0 else ""
    return f"{sign}{'Rp' if currency == 'IDR' else currency}{NO_BREAK}{text}"


def wib(at: datetime, *, language: str | None = None, seconds: bool = True) -> str:
    """`20 Nov 2026, 11:42:07 WIB`: an instant in business time, with its label."""
    local = at.astimezone(WIB)
    clock = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    return f"{wib_day(at, language=language)}, {clock} WIB"


def wib_day(at: datetime, *, language: str | None = None) -> str:
    """`20 Nov 2026`: the business day of an instant."""
    local = at.astimezone(WIB)
    return f"{local.day} {_MONTHS[_known(language)][local.month - 1]} {local.year}"


def day(on: date, *, language: str | None = None) -> str:
    """`20 Nov 2026`: a business day."""
    return wib_day(datetime.combine(on, time(12), tzinfo=WIB), language=language)


def wib_clock(at: datetime) -> str:
    """`11:42:07`, business time, for places whose label says WIB already."""
    return f"{at.astimezone(WIB):%H:%M:%S}"


def iso(at: datetime) -> str:
    """For `<time datetime>`: UTC, whole seconds."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def duration(span: timedelta, *, language: str | None = None) -> str:
    """Two units at most: `1d 02h`, `9h 42m`, `12m`, `48s`; Indonesian `1 hari 02 jam`, `9 jam 42 mnt`."""
    day, hour, minute, second = _UNITS[_known(language)]
    seconds = max(0, int(span.total_seconds()))
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes = rest // 60
    if days:
        return f"{days}{day} {hours:02}{hour}"
    if hours:
        return f"{hours}{hour} {minutes:02}{minute}"
    return f"{minutes}{minute}" if minutes else f"{seconds}{second}"


def _known(language: str | None) -> str:
    code = (language or get_language() or "en").split("-")[0]
    return code if code in _UNITS else "en"
