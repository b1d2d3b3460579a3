"""What people type about a car and its driver, read in one way or not at all. Pure."""

import re
from typing import Final

# Indonesian number plates: region, number, series (Perkap 5/2012): `B 1234 MRG`, `DK 88 AB`.
_PLATE: Final = re.compile(r"([A-Z]{1,2})([1-9][0-9]{0,3})([A-Z]{1,3})")
# A name has letters; digits and signs are a slip of the field.
_NAME: Final = re.compile(r"[^\W\d_](?:[^\W\d_]|[ .'-])*")
_PHONE: Final = re.compile(r"\+62[2-9][0-9]{7,11}")
_LONGEST_NAME: Final = 80


def plate(text: str) -> str | None:
    """`b1234mrg` and `B-1234-MRG` are `B 1234 MRG`; None for what is no number plate."""
    found = _PLATE.fullmatch(re.sub(r"[\s.-]", "", text).upper())
    return " ".join(found.groups()) if found else None


def driver_name(text: str) -> str | None:
    """Without needless blanks; None for what is no name."""
    name = " ".join(text.split())
    return name if len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) else None


def phone(text: str) -> str | None:
    """`0812-3456-7890` is `+6281234567890`; None for what is no Indonesian number."""
    digits = re.sub(r"[\s().-]", "", text)
    number = re.sub(r"^(?:\+?62|0)", "+62", digits)
    return number if _PHONE.fullmatch(number) else None
