"""Language, theme, density, keys: how a person likes the console, and the address that changes it.

The row is the truth at sign-in; while signed in the session carries a copy, so that no page asks
the database for it. Cookies keep the taste of the browser for the sign-in page.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRefresh, trigger_client_event

from opsconsole.console.access import public
from opsconsole.console.models import Density, Preference, Theme

SESSION_KEY: Final = "taste"
COOKIE_AGE: Final = int(timedelta(days=365).total_seconds())


@dataclass(frozen=True)
class Taste:
    """`language` is None until chosen: then the browser decides."""

    language: str | None = None
    theme: str = Theme.SYSTEM.value
    density: str = Density.COMFORTABLE.value
    keys: bool = True


class TasteForm(forms.Form):
    """Any one of the fields; the others stay as they are."""

    language = forms.ChoiceField(choices=settings.LANGUAGES, required=False)
    theme = forms.ChoiceField(choices=Theme.choices, required=False)
    density = forms.ChoiceField(choices=Density.choices, required=False)
    keys = forms.ChoiceField(choices=(("on", "on"), ("off", "off")), required=False)


@public
@require_POST
def change(request: HttpRequest) -> HttpResponse:
    """Changes what was posted and returns to the same page. For htmx: 204 and an event with the values."""
    form = TasteForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=400)
    given = {name: value for name, value in form.cleaned_data.items() if value}
    keep(request, given)
    response = _answer(request, given)
    for name in given.keys() & {"theme", "density"}:
        response.set_cookie(name, given[name], max_age=COOKIE_AGE, samesite="Lax", secure=request.is_secure())
    if "language" in given:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            given["language"],
            max_age=COOKIE_AGE,
            samesite="Lax",
            secure=request.is_secure(),
        )
    return response


def taste_of(request: HttpRequest) -> Taste:
    """From the session of a signed-in person, else from the browser's cookies."""
    session = getattr(request, "session", None)
    kept = session.get(SESSION_KEY) if session else None
    if kept:
        return Taste(**kept)
    theme, density = request.COOKIES.get("theme"), request.COOKIES.get("density")
    return Taste(
        theme=theme if theme in Theme.values else Theme.SYSTEM,
        density=density if density in Density.values else Density.COMFORTABLE,
    )


def keep(request: HttpRequest, given: dict[str, Any]) -> None:
    """Writes the row and the session's copy; a signed-out browser keeps cookies only."""
    if not request.user.is_authenticated:
        return
    values = {**given, "keys": given["keys"] == "on"} if "keys" in given else given
    row, _made = Preference.objects.update_or_create(user=request.user, defaults=values)
    remember(request, row)


def load(request: HttpRequest, user: AbstractBaseUser) -> None:
    """At sign-in: the person's row, made from what the browser shows now when there is none."""
    taste = taste_of(request)
    row, _made = Preference.objects.get_or_create(
        user=user,
        defaults={
            "language": translation.get_language() or settings.LANGUAGE_CODE,
            "theme": taste.theme,
            "density": taste.density,
        },
    )
    remember(request, row)


def remember(request: HttpRequest, row: Preference) -> None:
    request.session[SESSION_KEY] = {
        "language": row.language,
        "theme": row.theme,
        "density": row.density,
        "keys": row.keys,
    }


def safe_next(request: HttpRequest, address: str) -> str:
    """Only an address of our own; anything else becomes the front page."""
    own = url_has_allowed_host_and_scheme(
        address, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return address if own else "/"


def _answer(request: HttpRequest, given: dict[str, Any]) -> HttpResponse:
    if not request.headers.get("HX-Request"):
        return redirect(safe_next(request, request.POST.get("next", "/")))
    if "language" in given:
        return HttpResponseClientRefresh()
    return trigger_client_event(HttpResponse(status=204), "taste", given)
