"""Who may do what, as a page: the example to copy for a new page (see docs/screens.md)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from opsconsole.console.access import allowed
from opsconsole.console.roles import RIGHTS, ROLE_DUTIES, ROLE_LABELS, Role


@require_GET
@allowed("view_access")
def rights(request: HttpRequest) -> HttpResponse:
    context = {
        "roles": [(ROLE_LABELS[role], ROLE_DUTIES[role]) for role in Role],
        "rights": [(right, [role in right.roles for role in Role]) for right in RIGHTS],
    }
    return render(request, "console/rights.html", context)
