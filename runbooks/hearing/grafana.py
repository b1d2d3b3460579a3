"""Grafana's webhook contact point, version 1: Alertmanager's shape and more.

With a secret it signs: HMAC-SHA256 in hexadecimal over the body, or over `timestamp:body` where a header for the
timestamp is set up. A signed timestamp that is old is a replay.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Final

from runbooks.hearing.alertmanager import message_of
from runbooks.hearing.heard import Message, Strange, parse, short

SIGNATURE: Final = "X-Grafana-Alerting-Signature"
TIMESTAMP: Final = "X-Grafana-Alerting-Timestamp"
OLDEST: Final = 300  # seconds


def verify(raw: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """Over the raw bytes, before anything reads them."""
    at = headers.get(TIMESTAMP, "")
    if at and not (at.isascii() and at.isdigit() and len(at) < 12 and abs(time.time() - int(at)) <= OLDEST):
        return False
    signed = at.encode() + b":" + raw if at else raw
    wanted = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    given = headers.get(SIGNATURE, "").strip().lower()
    return bool(secret) and hmac.compare_digest(given.encode(), wanted.encode())


def read(raw: bytes) -> Message:
    """Raises Strange."""
    data = parse(raw)
    if str(data.get("version")) != "1":
        raise Strange(f"version {short(data.get('version'))[:20]!r} is not 1")
    return message_of(data)
