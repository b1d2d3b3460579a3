"""The body of an answer: unpacked, and never longer than any honest one."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

ANSWER_LIMIT: Final = 4 * 1024 * 1024
# zlib's own numbers: 16 more than the window is gzip, 32 more finds out which of the two it is.
_WINDOWS: Final = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": 32 + zlib.MAX_WBITS}
_PLAIN: Final = ("", "identity")


class Undecodable(Exception):
    """The body is packed in a way we did not offer, is broken, or is longer than any honest one."""


def decoded(parts: Iterable[bytes], *, encoding: str) -> bytes:
    """The whole body. Raises Undecodable."""
    body, named = bytearray(), encoding.strip().lower()
    for part in parts if named in _PLAIN else _unpacked(parts, named):
        body += part
        if len(body) > ANSWER_LIMIT:
            raise Undecodable(f"more than {ANSWER_LIMIT} bytes")
    return bytes(body)


def _unpacked(parts: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """No more of one part than one byte above the limit: a small part may unpack to gigabytes."""
    window = _WINDOWS.get(encoding)
    if window is None:
        raise Undecodable(f"content-encoding {encoding[:40]!r}")
    unpacking = zlib.decompressobj(window)
    try:
        for part in parts:
            yield unpacking.decompress(part, ANSWER_LIMIT + 1)
        yield unpacking.flush()
    except zlib.error as error:
        raise Undecodable(str(error)) from error
    if not unpacking.eof:
        raise Undecodable("the packed body is cut short")
