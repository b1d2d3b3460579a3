"""Rules of the console's addresses. A view without a rule is refused by a test (`tests/console/test_rules.py`)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from opsconsole.console.roles import RIGHT_BY_CODENAME, ROLE_LABELS, Right, roles_with

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

PUBLIC: Final = "public"
SIGNED_IN: Final = "signed in"


@dataclass(frozen=True)
class Rule:
    """`name` is PUBLIC, SIGNED_IN or the codename of a right."""

    name: str


def allowed(codename: str) -> Callable[[View[P]], View[P]]:
    """The view is for people who hold the right; others get the sign-in page or a page saying who may."""
    right = RIGHT_BY_CODENAME[codename]

    def guard(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return ask_to_sign_in(request)
            if not request.user.has_perm(right.permission):
                return refuse(request, right)
            return view(request, *args, **kwargs)

        marked: View[P] = _marked(guarded, codename)
        return marked

    return guard


def signed_in(view: View[P]) -> View[P]:
    """The view is for anybody who is signed in."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return ask_to_sign_in(request)
        return view(request, *args, **kwargs)

    marked: View[P] = _marked(guarded, SIGNED_IN)
    return marked


def public(view: View[P]) -> View[P]:
    """The view is for anybody at all: sign-in, health."""
    marked: View[P] = _marked(view, PUBLIC)
    return marked


def rule_of(view: Any) -> Rule | None:
    return getattr(view, "rule", None)


def ask_to_sign_in(request: HttpRequest, **notes: str) -> HttpResponse:
    """To the sign-in page and back here afterwards; a fragment sends the whole page there."""
    back = _page_path(request)
    target = f"{reverse('sign-in')}?{urlencode({**notes, 'next': back})}"
    return HttpResponseClientRedirect(target) if request.headers.get("HX-Request") else redirect(target)


def refuse(request: HttpRequest, right: Right) -> HttpResponse:
    """403, saying which roles may. A fragment says it in a toast and leaves the page as it is."""
    roles = [ROLE_LABELS[role] for role in roles_with(right.codename)]
    if request.headers.get("HX-Request"):
        text = _("You may not %(act)s. These roles may: %(roles)s.") % {
            "act": right.label,
            "roles": ", ".join(str(role) for role in roles),
        }
        return trigger_client_event(HttpResponse(status=403), "toast", {"text": text, "tone": "failed"})
    context = {"right": right, "roles": roles}
    return render(request, "console/not_allowed.html", context, status=403)


def _marked(view: Callable[..., HttpResponseBase], name: str) -> Any:
    view.rule = Rule(name)  # type: ignore[attr-defined]
    return view


def _page_path(request: HttpRequest) -> str:
    """Where to return to: the page that asked, never a fragment's address nor one that answers only POST.

    Read from the header itself: SessionClock asks before django-htmx has looked at the request.
    """
    page = urlsplit(request.headers.get("HX-Current-URL", ""))
    if page.netloc == request.get_host():
        return f"{page.path}?{page.query}" if page.query else page.path
    return request.get_full_path() if request.method == "GET" else "/"
