"""A real browser on a real server: the harness for every page's browser tests.

`site` (a fixture) is the served console; `site.open("/orders/", who="sari", ...)` gives a page;
`assert_page_is_clean(site, page)` is what every page must pass in every look of `LOOKS`; `assert_all_are_clean` goes
through many pages and looks.
"""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.db import connection, connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.testcases import LiveServerThread
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize
from psycopg import sql

from opsconsole.console.models import Preference
from opsconsole.console.preferences import SESSION_KEY
from opsconsole.console.roles import roles_of
from tests.console.people import World

ARGUMENTS: Final = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE: Final = Path(__file__).parents[1] / "vendor" / "axe-core" / "axe.min.js"
# What a browser says of a page that answers 403 or 422: the answer is meant, the complaint is not ours.
EXPECTED_COMPLAINTS: Final = ("the server responded with a status of 4",)


@dataclass(frozen=True)
class Look:
    """How a page is looked at: language, theme, width in px."""

    language: str = "en"
    theme: str = "light"
    width: int = 1440

    def __str__(self) -> str:
        return f"{self.language}-{self.theme}-{self.width}"


# Both languages in both themes, and each of them in both widths: every pair of choices, in half of all combinations.
LOOKS: Final = [Look(), Look("en", "dark", 390), Look("id", "dark", 1440), Look("id", "light", 390)]


# The reader's own choice, as its button writes it, and what the server says of it in the head.
TURN: Final = """theme => {
    document.documentElement.dataset.theme = theme;
    document.querySelector("meta[name=color-scheme]").content = theme;
}"""


# With its fonts, and painted: chromium throws away keys that are pressed before there is something to see.
READY: Final = """async () => {
    await document.fonts.ready;
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    return true;
}"""


def _size(look: Look) -> ViewportSize:
    return {"width": look.width, "height": 900 if look.width > 760 else 844}


@dataclass
class Site:
    url: str
    browser: Browser
    people: World
    complaints: dict[Page, list[str]] = field(default_factory=dict)
    contexts: list[BrowserContext] = field(default_factory=list)

    def open(self, path: str, *, who: str = "", look: Look | None = None, **context: Any) -> Page:
        """A page in a browser of its own, signed in as `who` ('' for nobody), loaded to the end."""
        look = look or Look()
        page = self._blank(look, **context)
        self._sign_in(page.context, who, look)
        self._go(page, path, has_scripts=context.get("java_script_enabled", True))
        return page

    def walk(self, stops: Iterable[tuple[str, str]], looks: Sequence[Look]) -> Iterator[tuple[str, Look, Page]]:
        """Every (address, who) in every look, on one page for each language, which goes on from stop to stop: pages of
        their own would each start a process, and load the same files again. Where a page is loaded, its theme and its
        width change as they do for people, without a visit to the server.
        """
        stops = list(stops)
        for language in dict.fromkeys(look.language for look in looks):
            these = [look for look in looks if look.language == language]
            page, was = self._blank(these[0]), ""
            for path, who in stops:
                if who != was:
                    self._sign_in(page.context, who, these[0])
                    was = who
                self._go(page, path)
                for look in these:
                    page.set_viewport_size(_size(look))
                    page.evaluate(TURN, look.theme)
                    yield path, look, page
            page.context.close()

    def close(self) -> None:
        """After each test: a page left open goes on asking."""
        while self.contexts:
            self.contexts.pop().close()
        self.complaints.clear()

    def _hear(self, page: Page, message: ConsoleMessage) -> None:
        is_expected = any(each in message.text for each in EXPECTED_COMPLAINTS)
        if message.type in {"error", "warning"} and not is_expected:
            self.complaints[page].append(message.text)

    def _blank(self, look: Look, **more: Any) -> Page:
        context = self.browser.new_context(
            viewport=_size(look),
            color_scheme="dark" if look.theme == "dark" else "light",
            locale="id-ID" if look.language == "id" else "en-GB",
            **more,
        )
        context.set_default_timeout(15_000)
        self.contexts.append(context)
        page = context.new_page()
        self.complaints[page] = []
        page.on("console", lambda message: self._hear(page, message))
        page.on("pageerror", lambda error: self.complaints[page].append(str(error)))
        return page

    def _sign_in(self, context: BrowserContext, who: str, look: Look) -> None:
        context.clear_cookies()
        if who:
            context.add_cookies([self._cookie(settings.SESSION_COOKIE_NAME, self._session(who, look))])

    def reload(self, page: Page) -> None:
        page.reload(wait_until="load")
        page.wait_for_function(READY)

    def _go(self, page: Page, path: str, *, has_scripts: bool = True) -> None:
        page.goto(f"{self.url}{path}", wait_until="load")
        if has_scripts:
            page.wait_for_function(READY)

    def _cookie(self, name: str, value: str) -> Any:
        return {"name": name, "value": value, "url": self.url}

    def _session(self, who: str, look: Look) -> str:
        user = self.people.users[who]
        taste = {"language": look.language, "theme": look.theme, "density": "comfortable", "keys": True}
        Preference.objects.update_or_create(user=user, defaults=taste)
        client = Client()
        client.force_login(user)
        session = client.session
        session[SESSION_KEY] = taste
        session["roles"] = [role.value for role in roles_of(user)]
        session.save()
        return str(client.cookies[settings.SESSION_COOKIE_NAME].value)


class KeptFiles(StaticFilesHandler):
    """A browser keeps what it has loaded, as it does where the names carry a hash of the content."""

    def serve(self, request: HttpRequest) -> HttpResponseBase:
        response = super().serve(request)
        response["Cache-Control"] = "max-age=3600, immutable"
        return response


@contextlib.contextmanager
def served_site(browser: Browser, people: World) -> Iterator[Site]:
    """Serves the console in a thread of this process."""
    server = LiveServerThread("127.0.0.1", KeptFiles)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    try:
        yield Site(f"http://127.0.0.1:{server.port}", browser, people)
    finally:
        server.terminate()
        connections.close_all()


@contextlib.contextmanager
def own_database() -> Iterator[None]:
    """A copy of the test database: rows committed there harm nobody, and nothing needs to be emptied.

    Every thread's connection goes to the copy, because they share the one dictionary of settings.
    """
    original = connection.settings_dict["NAME"]
    copy = f"{original}_browser"
    _copy_database(original, copy)
    connection.settings_dict["NAME"] = copy
    try:
        yield
    finally:
        connections.close_all()
        connection.settings_dict["NAME"] = original
        _administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(copy)))


def _copy_database(original: str, copy: str) -> None:
    connections.close_all()
    _administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(copy)))
    names = {"copy": sql.Identifier(copy), "original": sql.Identifier(original)}
    _administer(sql.SQL("CREATE DATABASE {copy} TEMPLATE {original}").format(**names))


def _administer(statement: sql.Composed) -> None:
    with connection._nodb_cursor() as cursor:
        cursor.execute(statement)


def assert_all_are_clean(site: Site, stops: Iterable[tuple[str, str]], *, looks: Sequence[Look] = LOOKS) -> None:
    """Of each (address, who) in each look. All that is not comes with its place.

    With SHOTS in the environment, a folder, a picture of each is kept there.
    """
    wrong = []
    for number, (path, look, page) in enumerate(site.walk(stops, looks)):
        if folder := os.environ.get("SHOTS"):
            page.screenshot(path=str(Path(folder) / f"{number:03}-{look}.png"), full_page=True)
        try:
            assert page.get_attribute("html", "lang") == look.language
            assert_page_is_clean(site, page)
        except AssertionError as error:
            wrong.append(f"{path} {look}: {error}")
            site.complaints[page].clear()
    assert not wrong, "\n".join(wrong)


@cache
def _axe() -> str:
    return AXE.read_text()


def assert_page_is_clean(site: Site, page: Page) -> None:
    """axe finds nothing, the browser complains of nothing, nothing sticks out sideways."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe())
    result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    found = [f"{each['id']}: {node['html'][:160]}" for each in result["violations"] for node in each["nodes"]]
    assert not found, "\n".join(found)
    assert not site.complaints[page], "\n".join(site.complaints[page])
    sideways = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert sideways <= 0, f"{sideways} px stick out sideways"


def poll(page: Page, part: str) -> None:
    """What the timer does every five seconds, without waiting for it."""
    with page.expect_response(lambda response: response.request.headers.get("x-poll") == "1"):
        page.evaluate("id => htmx.trigger('#' + id, 'live')", part)
