"""Decisions that depend on nothing but a seed and what is decided: order 17 is the same in every run."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from opsconsole.sandbox.chance import chance

T = TypeVar("T")


def between(low: int, high: int, *what: object, seed: int, step: int = 1) -> int:
    """A whole number from `low` to `high`, both included, in steps."""
    steps = (high - low) // step + 1
    return low + int(chance(seed, *what) * steps) * step


def pick(choices: Sequence[T], *what: object, seed: int) -> T:
    return choices[int(chance(seed, *what) * len(choices))]


def weighted(shares: Mapping[T, float], *what: object, seed: int) -> T:
    """One of the keys, each as often as its share says."""
    at = chance(seed, *what) * sum(shares.values())
    for choice, share in shares.items():
        at -= share
        if at < 0:
            return choice
    return list(shares)[-1]
