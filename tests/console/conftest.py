"""Fixtures of the console's tests. Browser fixtures live for one module: a running playwright holds an event loop."""

import os
from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.backends.base.creation import TEST_DATABASE_PREFIX
from django.test.utils import setup_databases, teardown_databases
from playwright.sync_api import Browser, sync_playwright
from pytest_django import DjangoDbBlocker

from opsconsole.testing import chromium
from tests.console.browser import ARGUMENTS, Site, own_database, served_site
from tests.console.people import World, make_world


@pytest.fixture(autouse=True)
def _close_pages(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "site" in request.fixturenames:
        request.getfixturevalue("site").close()


@pytest.fixture
def people(db: None) -> World:
    return make_world()


@pytest.fixture(scope="session")
def test_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """pytest-django makes a test database only for tests marked `django_db`; the browser's are not, and must never
    touch the real one.
    """
    if connection.settings_dict["NAME"].startswith(TEST_DATABASE_PREFIX):
        yield
        return
    with django_db_blocker.unblock():
        made = setup_databases(verbosity=0, interactive=False, aliases={"default"})
        yield
        teardown_databases(made, verbosity=0)


@pytest.fixture(scope="module")
def committed_world(test_database: None, django_db_blocker: DjangoDbBlocker) -> Iterator[World]:
    """People in a database of their own, in which rows are really committed; the module's tests share it."""
    with django_db_blocker.unblock(), own_database():
        yield make_world()


@pytest.fixture(scope="module")
def browser(committed_world: World) -> Iterator[Browser]:
    """Debian's chromium. Django is told that its ORM may be used beside playwright's event loop.

    After the database: playwright's loop has a context of its own, in which Django opens other connections.
    """
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield launched
        launched.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="module")
def site(committed_world: World, browser: Browser) -> Iterator[Site]:
    with served_site(browser, committed_world) as served:
        yield served
