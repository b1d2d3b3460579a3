"""The small types that all bodies are made of."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from django.utils import timezone
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

Currency = Literal["IDR"]
LARGEST_AMOUNT = 10_000_000_000  # minor units; ten thousand million rupiah
FURTHEST = timedelta(days=365)
LATENESS = timedelta(minutes=5)  # what a phone's clock and a slow network may lose

_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d{1,6})?\d*([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class Given(BaseModel):
    """A body, or a part of one. Names we do not know are refused, not ignored."""

    model_config = ConfigDict(extra="forbid", strict=True, str_strip_whitespace=True)


class Told(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(frozen=True)


def _rfc3339(value: Any) -> Any:
    """Only the text form with a zone: a bare number would be read as seconds since 1970."""
    if isinstance(value, datetime):
        return value
    found = _RFC3339.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("must be a time with a zone, like 2026-11-20T08:30:00+07:00")
    day, clock, fraction, zone = found.groups(default="")
    return datetime.fromisoformat(f"{day}T{clock}{fraction}{zone.upper()}")


def _in_our_time(value: datetime) -> datetime:
    """What lies outside of these years stands for their ends: no order is there."""
    return min(max(value, _EARLIEST), _LATEST).astimezone(UTC)


def _ahead(value: datetime) -> datetime:
    now = timezone.now()
    if not now - LATENESS <= value <= now + FURTHEST:
        raise ValueError("must lie ahead, and within a year")
    return value


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_rfc3339),
    AfterValidator(_in_our_time),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Ahead = Annotated[Instant, AfterValidator(_ahead)]


def text(most: int, *, pattern: str = r"^[^\x00-\x1f\x7f]+$") -> Any:
    """One line of 1 to `most` characters, none of them a control character."""
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=most, pattern=pattern)


Name = Annotated[str, text(120)]
City = Annotated[str, text(40), Field(examples=["Jakarta"])]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Identifier = Annotated[str, text(64, pattern=r"^[A-Za-z0-9._@:-]+$")]
Phone = Annotated[str, text(32, pattern=r"^\+?[0-9][0-9 -]{5,30}$"), Field(examples=["+6281234567890"])]
Email = Annotated[str, text(254, pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+\.[^@\s\x00-\x1f\x7f]+$")]
PromoCode = Annotated[str, text(40, pattern=r"^[A-Za-z0-9_-]+$"), Field(examples=["HEMAT20"])]


class Money(Given):
    """A whole number of minor units. The rupiah has none smaller: 125000 is Rp 125,000."""

    amount: Annotated[int, Field(ge=0, le=LARGEST_AMOUNT, examples=[125000])]
    currency: Currency = "IDR"


class Amount(Told):
    """A whole number of minor units of a currency; negative for money that went back."""

    amount: int = Field(examples=[125000])
    currency: str = Field(examples=["IDR"])


class Place(Given):
    """A place on the map, and what people call it."""

    address: Annotated[str, text(200)] = Field(examples=["Jl. Jend. Sudirman 52"])
    lat: Annotated[float, Field(ge=-90, le=90, examples=[-6.2251])]
    lng: Annotated[float, Field(ge=-180, le=180, examples=[106.8096])]


class Contact(Given):
    name: Name
    phone: Phone
