"""Live parts of the frame itself, and what a page says when it cannot be shown."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from opsconsole.console.access import signed_in
from opsconsole.console.live import fresh


@require_GET
@signed_in
def alerts(request: HttpRequest) -> HttpResponse:
    """The lines under the top bar, re-read with the page; only sources a signed-in person may see."""
    return fresh(request, render(request, "parts/alerts.html"))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """For settings.CSRF_FAILURE_VIEW: an old form, usually after a new sign-in in another tab."""
    return render(request, "403_csrf.html", status=403)
