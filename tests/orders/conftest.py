"""Neighbours for the tests of `orders`."""

from tests.sandbox_fixtures import *  # noqa: F403
