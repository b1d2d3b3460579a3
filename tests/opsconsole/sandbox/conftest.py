from tests.sandbox_fixtures import *  # noqa: F403
