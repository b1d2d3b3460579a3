"""Sums as people type them: `1234567`, `1.234.567`, `Rp 1.234.567`. Whole rupiah only."""

import re
from typing import Final

_PLAIN: Final = re.compile(r"\d{1,15}", re.ASCII)
_DOTTED: Final = re.compile(r"\d{1,3}(?:\.\d{3}){1,4}", re.ASCII)


def parsed_sum(text: str) -> int | None:
    """Rupiah, or None for anything that could be read in two ways: `1,500`, `1.5`, `12.34.567`."""
    typed = re.sub(r"^Rp", "", text.strip(), flags=re.IGNORECASE).replace("\u00a0", " ").strip()
    if _PLAIN.fullmatch(typed) or _DOTTED.fullmatch(typed):
        return int(typed.replace(".", ""))
    return None


def accepted_spellings(amount: int) -> str:
    """A pattern for the browser, which says the same as `parsed_sum` about this one sum."""
    dotted = f"{amount:,}".replace(",", r"\.")
    return rf"\s*(?:[Rr][Pp])?\s*(?:{amount}|{dotted})\s*"
