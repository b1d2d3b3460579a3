"""A person's own tabs of the stuck list: save, rename, keep what is chosen now, delete, take back."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from opsconsole.console.access import allowed
from opsconsole.console.models import SavedView
from opsconsole.console.staff import person
from opsconsole.console.stuck_choices import VIEWS, chosen, read, view_of
from orders.queries.stuck import StuckFilter

MOST: Final = 12  # tabs that fit a row, each counted with a query of its own
UNDO_FOR: Final = timedelta(minutes=1)
FORGOTTEN_AFTER: Final = timedelta(days=1)


class NameForm(forms.Form):
    name = forms.CharField(max_length=40, strip=True)
    query = forms.CharField(max_length=2000, required=False)


def views_of(user: Any) -> Sequence[SavedView]:
    return list(SavedView.objects.filter(user=user, deleted_at=None))


def deleted_view(user: Any, given: str) -> SavedView | None:
    """The view that was just deleted, as long as it can be taken back."""
    if not given.isdecimal() or len(given) > 9:
        return None
    since = timezone.now() - UNDO_FOR
    return SavedView.objects.filter(user=user, pk=int(given), deleted_at__gt=since).first()


@require_POST
@allowed("view_orders")
def save(request: HttpRequest) -> HttpResponse:
    """What is chosen now becomes a tab."""
    form = NameForm(request.POST)
    if not form.is_valid():
        return _sorry(request, _("A view needs a name of up to 40 letters."))
    SavedView.objects.filter(user=person(request), deleted_at__lt=timezone.now() - FORGOTTEN_AFTER).delete()
    if len(views_of(person(request))) >= MOST:
        return _sorry(request, _("You have %(most)d views already. Delete one first.") % {"most": MOST})
    query = canonical(form.cleaned_data["query"])
    view = SavedView(user=person(request), name=form.cleaned_data["name"], query=query)
    return _written(request, view, _("View saved."))


@require_POST
@allowed("view_orders")
def change(request: HttpRequest, pk: int) -> HttpResponse:
    """`do` says what: rename, update (keep what is chosen now), delete, restore."""
    what = _CHANGES.get(request.POST.get("do", ""))
    view = SavedView.objects.filter(user=person(request), pk=pk).first()
    if what is None or view is None:
        raise Http404
    return what(request, view)


def _rename(request: HttpRequest, view: SavedView) -> HttpResponse:
    form = NameForm(request.POST)
    if not form.is_valid():
        return _sorry(request, _("A view needs a name of up to 40 letters."))
    view.name = form.cleaned_data["name"]
    return _written(request, view, _("View renamed."))


def _update(request: HttpRequest, view: SavedView) -> HttpResponse:
    view.query = canonical(request.POST.get("query", ""))
    return _written(request, view, _("View changed."))


def _delete(request: HttpRequest, view: SavedView) -> HttpResponse:
    view.deleted_at = timezone.now()
    view.save(update_fields=["deleted_at"])
    return redirect(f"{reverse('stuck')}?{urlencode({'deleted': view.pk})}")


def _restore(request: HttpRequest, view: SavedView) -> HttpResponse:
    view.deleted_at = None
    return _written(request, view, _("View is back."))


_CHANGES: Final[dict[str, Callable[[HttpRequest, SavedView], HttpResponse]]] = {
    "rename": _rename,
    "update": _update,
    "delete": _delete,
    "restore": _restore,
}


def canonical(query: str) -> str:
    """Filters and the built-in view they lie over; not which page, panel or tab was open."""
    choices = read(QueryDict(query))
    return choices.query(saved="", view=choices.one("view") if choices.one("view") in set(VIEWS) else "")


def pair_of(view: SavedView, user_id: int) -> tuple[StuckFilter, StuckFilter]:
    """The built-in view it lies over and its own filters, for counting."""
    choices = read(QueryDict(view.query))
    return view_of(choices).filter(user_id=user_id), chosen(choices, user_id=user_id)


def address_of(view: SavedView) -> str:
    query = QueryDict(view.query)
    return f"{reverse('stuck')}?{read(query).query(saved=str(view.pk))}"


def _written(request: HttpRequest, view: SavedView, said: str) -> HttpResponse:
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        return _sorry(request, _("You have a view of that name already."))
    messages.success(request, said)
    return redirect(address_of(view))


def _sorry(request: HttpRequest, said: str) -> HttpResponse:
    messages.error(request, said)
    return redirect(f"{reverse('stuck')}?{canonical(request.POST.get('query', ''))}")
