"""Packed bodies: unpacked whole, or not believed."""

import gzip
import zlib

import pytest

from orders.resilience.decoding import ANSWER_LIMIT, Undecodable, decoded

BODY = b'{"id": 7}'


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", gzip.compress(BODY)), ("X-GZIP", gzip.compress(BODY)), ("deflate", zlib.compress(BODY)), ("", BODY)],
    ids=["gzip", "its old name", "deflate", "plain"],
)
def test_it_is_unpacked_however_it_is_cut(encoding, body):
    assert decoded([body], encoding=encoding) == BODY
    assert decoded([body[at : at + 1] for at in range(len(body))], encoding=encoding) == BODY


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("br", b"whatever"),
        ("gzip", b"not packed at all"),
        ("gzip", gzip.compress(BODY)[:-6]),
        ("gzip", gzip.compress(b" " * (ANSWER_LIMIT + 1))),
        ("", b" " * (ANSWER_LIMIT + 1)),
    ],
    ids=["not offered", "not packed", "cut short", "too long once unpacked", "too long"],
)
def test_what_cannot_be_unpacked_is_not_believed(encoding, body):
    with pytest.raises(Undecodable):
        decoded([body], encoding=encoding)


def test_the_longest_honest_one_is_believed():
    assert len(decoded([gzip.compress(b" " * ANSWER_LIMIT)], encoding="gzip")) == ANSWER_LIMIT
