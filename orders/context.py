"""Who is acting, handed to the triggers for one transaction.

The key of the history's HMAC travels as a bound parameter of a server-side cursor, so it shows
neither in `pg_stat_activity` nor in a statement log. See docs/adr/0003.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection, transaction

_BLOCK = 64  # bytes; the block size of SHA-256 in HMAC (RFC 2104)
_SETTINGS = ("actor", "verb", "reason", "detail", "quiet", "ipad", "opad")
_STATEMENT = "SELECT " + ", ".join(f"set_config('opsconsole.{name}', %s, true)" for name in _SETTINGS)


@lru_cache(maxsize=4)
def pads(key: bytes) -> tuple[str, str]:
    """The inner and outer pad of `key` as hex: all that PostgreSQL needs to compute an HMAC."""
    block = key.ljust(_BLOCK, b"\0")
    return bytes(b ^ 0x36 for b in block).hex(), bytes(b ^ 0x5C for b in block).hex()


def act_as(
    actor: str,
    *,
    verb: str = "",
    reason: str = "",
    detail: Mapping[str, Any] | None = None,
    quiet: bool = False,
) -> None:
    """Name who acts and why, until the transaction ends. Must be called inside a transaction.

    `quiet` keeps the rows out of the outbox (backfills tell nobody).
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("act_as() needs a transaction")
    text = json.dumps(detail) if detail else ""
    values = (
        actor,
        verb,
        reason,
        text,
        "on" if quiet else "",
        *pads(settings.CHAIN_KEY),
    )
    connection.ensure_connection()
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(_STATEMENT, values)
