"""Personal data as people without the need to know see it."""

from typing import Final

DOT: Final = "\u2022"


def masked_phone(phone: str) -> str:
    """`+6281•••••789`: enough to compare with a caller, not enough to call."""
    if len(phone) < 8:
        return DOT * len(phone)
    return f"{phone[:4]}{DOT * (len(phone) - 7)}{phone[-3:]}"


def masked_email(email: str) -> str:
    """`b•••@example.com`; always three dots, so that the length says nothing."""
    name, at, domain = email.rpartition("@")
    if not at or not name:
        return DOT * 3
    return f"{name[0]}{DOT * 3}@{domain}"


def masked_name(name: str) -> str:
    """`B••• S•••`: the initials of each word."""
    return " ".join(f"{word[0]}{DOT * 3}" for word in name.split())


MASKS: Final = {"phone": masked_phone, "email": masked_email, "name": masked_name}


def masked(text: str, *, kind: str) -> str:
    """Masks by kind: `phone`, `email`, `name`. KeyError for another kind: never shown by mistake."""
    mask = MASKS[kind]
    return mask(text) if text else ""
