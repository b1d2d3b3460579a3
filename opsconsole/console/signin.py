"""The way in and out. Tries are counted in PostgreSQL, so that every process sees the same count."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from opsconsole.console import preferences
from opsconsole.console.access import public, signed_in
from opsconsole.console.demo_users import DEMO_PASSWORD, DEMO_USERS
from opsconsole.console.frame import is_demo
from opsconsole.console.middleware import start_clock
from opsconsole.console.models import SignInTry
from opsconsole.console.roles import roles_of

WINDOW: Final = timedelta(minutes=15)
# A guesser at one account is stopped soon, a guesser from one address later, so that an office
# behind one address is not locked out by one forgetful colleague, nor an account by a stranger.
TRIES_PER_NAME_AND_ADDRESS: Final = 5
TRIES_PER_ADDRESS: Final = 30


@public
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def sign_in(request: HttpRequest) -> HttpResponse:
    back = preferences.safe_next(request, request.POST.get("next", request.GET.get("next", "/")))
    if request.user.is_authenticated:
        return redirect(back)
    if request.method == "GET":
        return _page(request, back, has_ended="ended" in request.GET)
    name, address = request.POST.get("username", "").strip(), _address_of(request)
    attempt = _note(name, address)
    if wait := _wait(attempt):
        attempt.delete()  # a refused try does not count: waiting is enough, also for the impatient
        return _too_many(request, back, wait)
    user = authenticate(request, username=name, password=request.POST.get("password", ""))
    if user is None:
        return _page(request, back, error=_("That name and password do not belong together."), status=422)
    _forgive(attempt)
    _enter(request, user)
    return redirect(back)


@signed_in
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    logout(request)
    return redirect("sign-in")


def _enter(request: HttpRequest, user: Any) -> None:
    """A new session key (Django's login), the clocks, the person's taste and roles for display."""
    login(request, user)
    start_clock(request)
    request.session["roles"] = [role.value for role in roles_of(user)]
    preferences.load(request, user)


def _note(name: str, address: str) -> SignInTry:
    """Written before the password is looked at: parallel guesses count each other."""
    digest = salted_hmac("opsconsole.signin", name.lower(), algorithm="sha256").hexdigest()
    return SignInTry.objects.create(name_digest=digest, address=address, at=timezone.now())


def _forgive(attempt: SignInTry) -> None:
    """The right password clears this name's failures from this address; old rows go as well."""
    SignInTry.objects.filter(name_digest=attempt.name_digest, address=attempt.address).delete()
    SignInTry.objects.filter(at__lt=timezone.now() - WINDOW).delete()


def _wait(attempt: SignInTry) -> timedelta | None:
    """How long this address must wait, for this name or at all; None when it may try."""
    tries = SignInTry.objects.filter(address=attempt.address, at__gt=attempt.at - WINDOW)
    same_name = tries.filter(name_digest=attempt.name_digest)
    return _over(same_name, TRIES_PER_NAME_AND_ADDRESS, attempt.at) or _over(tries, TRIES_PER_ADDRESS, attempt.at)


def _over(tries: Any, most: int, now: datetime) -> timedelta | None:
    """Beside the present try there may be fewer than `most`; the oldest of them is the next to leave the window."""
    newest = list(tries.order_by("-at").values_list("at", flat=True)[: most + 1])
    return None if len(newest) <= most else newest[most] + WINDOW - now


def _too_many(request: HttpRequest, back: str, wait: timedelta) -> HttpResponse:
    minutes = max(1, -(-int(wait.total_seconds()) // 60))
    error = _("Too many tries. Try again in %(minutes)d min.") % {"minutes": minutes}
    response = _page(request, back, error=error, status=429)
    response["Retry-After"] = str(int(wait.total_seconds()) + 1)
    return response


def _page(
    request: HttpRequest, back: str, *, error: str = "", has_ended: bool = False, status: int = 200
) -> HttpResponse:
    context = {
        "next": back,
        "error": error,
        "has_ended": has_ended,
        "name": request.POST.get("username", ""),
        "demo_users": DEMO_USERS if is_demo() else (),
        "demo_password": DEMO_PASSWORD if is_demo() else "",
    }
    return render(request, "console/signin.html", context, status=status)


def _address_of(request: HttpRequest) -> str:
    """The peer, or what the proxy named in settings.TRUSTED_PROXIES says of it (the last entry is the proxy's own)."""
    peer = request.META.get("REMOTE_ADDR") or "0.0.0.0"  # noqa: S104 an address to count, not to bind
    if peer not in getattr(settings, "TRUSTED_PROXIES", ()):
        return peer
    return request.headers.get("X-Forwarded-For", peer).rpartition(",")[2].strip() or peer
