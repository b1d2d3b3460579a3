"""Names of plans and incidents that people read aloud."""

import secrets
from typing import Final

# Without what is mistaken for something else when it is read aloud.
LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def new_code(prefix: str, length: int) -> str:
    """`PL-7KQ2MX`: a new one, by chance."""
    return f"{prefix}-{''.join(secrets.choice(LETTERS) for _letter in range(length))}"
