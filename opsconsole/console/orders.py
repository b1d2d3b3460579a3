"""Lists of orders: what is stuck, the same by cause, and all of them."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from opsconsole.console.access import allowed
from opsconsole.console.all_orders import Asked, in_words, read_orders
from opsconsole.console.cases import read_cases
from opsconsole.console.live import answer, is_fragment
from opsconsole.console.overview import CannotKnow
from opsconsole.console.reading import known
from opsconsole.console.stuck_screen import VALUES, context_of, screen_of, values_of


@require_GET
@allowed("view_orders")
def stuck(request: HttpRequest) -> HttpResponse:
    """What hangs now. The fragment has no filters: they stay as the reader left them. What their values would give
    costs as much as the list, so it is told to those who reach for a filter."""
    wants_values = VALUES in request.GET
    if wants_values and is_fragment(request):
        return _values(request)
    screen = screen_of(request, with_facets=wants_values)
    return answer(request, "console/stuck.html", "console/stuck/live.html", context_of(request, screen))


def _values(request: HttpRequest) -> HttpResponse:
    screen = values_of(request)
    if isinstance(screen, CannotKnow):
        return HttpResponse(status=204)  # the filters stay as they are, and the next touch asks again
    return render(request, "console/stuck/values.html", {"screen": screen})


@require_GET
@allowed("view_orders")
def causes(request: HttpRequest) -> HttpResponse:
    """The same orders by cause: how many, how much money, since when, and what they have in common."""
    found = known(lambda: read_cases(now=timezone.now()))
    context = {"cases": found, "section": "orders", "place": "causes"}
    return answer(request, "console/causes.html", "console/causes_live.html", context)


@require_GET
@allowed("view_orders")
def orders(request: HttpRequest) -> HttpResponse:
    """All orders, newest first."""
    asked = Asked.read(request.GET)
    found = known(lambda: read_orders(asked))
    here = reverse("orders") if isinstance(found, CannotKnow) else found.here
    context = {
        "list": found,
        "asked": asked,
        "words": [] if isinstance(found, CannotKnow) else in_words(found),
        "here": here,
        "back_query": urlencode({"back": here}),
        "section": "orders",
        "place": "orders",
    }
    return answer(request, "console/orders.html", "console/orders_live.html", context)
