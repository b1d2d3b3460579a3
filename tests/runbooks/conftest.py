"""The neighbours of pages: real HTTP to the sandbox's PagerDuty, Slack and mail."""

from tests.sandbox_fixtures import *  # noqa: F403
