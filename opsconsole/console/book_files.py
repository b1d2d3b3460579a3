"""A file on its way into a book: sent, looked at with the mapping editor, and only then loaded. And the layouts."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from opsconsole.console.access import allowed
from opsconsole.console.book_shown import source_name
from opsconsole.console.layout_form import STATUS_LABELS, Editor, edited, editor
from opsconsole.console.staff import actor_of
from orders.errors import Refusal
from orders.money import EXPONENTS, NotMoney, exponent
from reconciliation import business_day
from reconciliation.holds import told
from reconciliation.layouts import BUILTIN, Layout, LayoutRefused
from reconciliation.layouts.amounts import NotAnAmount, minor_units
from reconciliation.queries.loads import all_feeds, layouts_used, saved_versions
from reconciliation.reading import FileRefused
from reconciliation.services import files, loading
from reconciliation.services import layouts as saved
from reconciliation.services.feeds import feed_of
from reconciliation.services.previews import Preview
from reconciliation.services.previews import preview as look_at
from reconciliation.services.rounds import ring_load
from reconciliation.states import Side

_CURRENCIES: Final = ["IDR", *sorted(EXPONENTS.keys() - {"IDR"})]  # ours first


class FileForm(forms.Form):
    """What is sent, and into which book it is to go."""

    file = forms.FileField()
    side = forms.ChoiceField(choices=[(side.value, side.label) for side in (Side.GATEWAY, Side.HO, Side.OURS)])
    layout = forms.CharField(max_length=60)
    source = forms.RegexField(r"^[a-z0-9][a-z0-9_-]*$", max_length=24, required=False)
    currency = forms.CharField(max_length=3, required=False)


# No layout is proposed: each gateway has its own, and a file may fit one that is not its.
FIRST: Final = {"side": Side.GATEWAY, "layout": "", "source": ""}


@dataclass(frozen=True)
class Asked:
    """A kept file on its way, as the address says it."""

    file: str
    name: str
    side: str
    layout: str
    source: str
    currency: str

    @classmethod
    def read(cls, query: QueryDict) -> "Asked":
        """Raises Http404 where no such file is kept, or the book is none."""
        asked = cls(
            file=query.get("file", "")[:80],
            name=query.get("name", "")[:200],
            side=query.get("side", ""),
            layout=query.get("layout", "")[:60],
            source=query.get("source", "")[:24],
            currency=query.get("currency", "")[:3].upper(),
        )
        if asked.side not in Side.values or files.kept(asked.file) is None:
            raise Http404
        return asked

    @property
    def address(self) -> str:
        return f"{reverse('load-preview')}?{urlencode(vars(self))}"


@require_http_methods(["GET", "POST"])
@allowed("load_books")
def upload(request: HttpRequest) -> HttpResponse:
    """GET is the form; POST keeps the file and goes on to the preview. Nothing is loaded here."""
    if request.method == "GET":
        initial = {name: request.GET.get(name, otherwise) for name, otherwise in FIRST.items()}
        return _draw_upload(request, FileForm(initial=initial))
    form = FileForm(request.POST, request.FILES)
    if not form.is_valid():
        return _draw_upload(request, form, status=422)
    given = form.cleaned_data
    try:
        kept = files.keep(given["file"].chunks(), name=given["file"].name)
        exact, layout = saved.find(given["layout"])
    except (FileRefused, LayoutRefused) as refused:
        form.add_error("file" if isinstance(refused, FileRefused) else "layout", str(refused))
        return _draw_upload(request, form, status=422)
    source = given["source"] or layout.source or given["side"]
    asked = Asked(kept.name, given["file"].name, given["side"], exact, source, given["currency"].upper())
    return redirect(asked.address)


@require_http_methods(["GET", "POST"])
@allowed("load_books")
def preview(request: HttpRequest) -> HttpResponse:
    """GET shows what the file would become; POST with `decision` looks again, saves the layout, or loads."""
    given = request.GET if request.method == "GET" else request.POST
    if "file" not in given:
        return _draw_upload(request, FileForm(initial=FIRST))  # nothing to look at yet: choose one first
    asked = Asked.read(given)
    try:
        _exact, base = saved.find(asked.layout)
        seen = look_at(asked.file, base, currency=asked.currency)
        layout = base if request.method == "GET" else edited(base, given, places=seen.places)
    except LayoutRefused as refused:
        return _draw_preview(request, asked, saved.find("generic")[1], wrong=str(refused), status=422)
    match given.get("decision", "look"):
        case "save":
            return _save(request, asked, layout)
        case "load":
            return _load(request, asked, base, layout)
    return _draw_preview(request, asked, layout)


def _save(request: HttpRequest, asked: Asked, layout: Layout) -> HttpResponse:
    name, number = request.POST.get("save_as", "").strip(), asked.layout.partition("@")[2]
    is_next = asked.layout.partition("@")[0] == name
    try:
        version = saved.save(
            name,
            layout,
            actor=actor_of(request),
            note=request.POST.get("note", ""),
            expected=int(number or 0) if is_next else None,
        )
    except Refusal as refusal:
        return _draw_preview(request, asked, layout, wrong=str(refusal), status=422)
    messages.success(request, _("Saved as %(name)s.") % {"name": version})
    return redirect(Asked(**{**vars(asked), "layout": str(version)}).address)


def _load(request: HttpRequest, asked: Asked, base: Layout, layout: Layout) -> HttpResponse:
    kept = files.kept(asked.file)
    if kept is None:
        raise Http404
    try:
        stated = _stated(request.POST, asked.currency or "IDR")
    except (NotMoney, NotAnAmount, ValueError) as error:
        return _draw_preview(request, asked, layout, wrong=_unread(error), status=422)
    label = asked.layout if layout == base else f"{asked.layout} +"
    load = loading.register(
        kept,
        feed=feed_of(asked.side, asked.source),
        name=asked.name,
        label=label,
        layout=layout,
        actor=actor_of(request),
        currency=asked.currency,
        stated=stated,
    )
    ring_load(load.pk)
    return redirect("load", pk=load.pk)


def _stated(posted: QueryDict, currency: str) -> dict[str, Any]:
    stated: dict[str, Any] = {}
    if total := posted.get("total", "").strip():
        mark = "," if exponent(currency) == 0 else "."  # Rp 1.234.567 is whole rupiah
        stated["amounts"] = {currency: minor_units(total, currency, mark=mark)}
    if rows := posted.get("rows", "").strip():
        stated["rows"] = int(rows)
    if through := posted.get("through", "").strip():
        day = date.fromisoformat(through) + timedelta(days=1)
        stated["complete_up_to"] = business_day.begins(day).isoformat()
    return stated


def _unread(error: Exception) -> str:
    if isinstance(error, NotAnAmount):
        return _("What you stated cannot be read: %(why)s.") % {"why": told(error.problem)}
    return _("What you stated cannot be read: %(why)s.") % {"why": str(error)[:120]}


@require_GET
@allowed("view_reconciliation")
def layouts(request: HttpRequest) -> HttpResponse:
    newest: dict[str, Any] = {}
    for version in saved_versions():
        newest.setdefault(version.name, version)
    context = {
        "section": "reconciliation",
        "place": "layouts",
        "saved": list(newest.values()),
        "builtin": [_built_in(name) for name in BUILTIN if name not in newest],
    }
    return render(request, "console/books/layouts.html", context)


def _built_in(name: str) -> dict[str, str]:
    found = saved.find(name)[1]
    return {"name": name, "title": found.title, "book": str(Side(found.side).label)}


@require_GET
@allowed("view_reconciliation")
def layout(request: HttpRequest, name: str) -> HttpResponse:
    """One layout, or one version of it, in full."""
    try:
        exact, found = saved.find(name)
    except LayoutRefused as refused:
        raise Http404 from refused
    context = {
        "section": "reconciliation",
        "exact": exact,
        "found": found,
        "editor": editor(found, columns=(), places={key: list(names) for key, names in found.columns.items()}),
        "versions": saved_versions(exact.partition("@")[0]),
        "statuses": STATUS_LABELS,
    }
    return render(request, "console/books/layout.html", context)


def _draw_upload(request: HttpRequest, form: FileForm, *, status: int = 200) -> HttpResponse:
    sources = sorted({feed.source for feed in all_feeds()})
    context = {
        "section": "reconciliation",
        "form": form,
        "layouts": _layouts(),
        "sides": FileForm.base_fields["side"].choices,  # type: ignore[attr-defined]
        "sources": [(source, source_name(source)) for source in sources],
        "currencies": _CURRENCIES,
    }
    return render(request, "console/books/upload.html", context, status=status)


def _layouts() -> list[tuple[str, list[tuple[str, str]]]]:
    """Those that files were read by before, the last one first, and then all others."""
    titles = {name: saved.find(name)[1].title or name for name in saved.names()}
    used = {name: titles.pop(name) for name in layouts_used() if name in titles}
    groups = [(_("Used before"), used), (_("Others"), titles)]
    return [(label, list(named.items())) for label, named in groups if named]


def _draw_preview(
    request: HttpRequest, asked: Asked, layout: Layout, *, wrong: str = "", status: int = 200
) -> HttpResponse:
    seen = look_at(asked.file, layout, currency=asked.currency)
    context = {
        "section": "reconciliation",
        "asked": asked,
        "seen": seen,
        "refusal": told(seen.refusal) if seen.refusal else "",
        "problems": [(told(problem), count) for problem, count in seen.problems],
        "notes": [told(note) for note in seen.notes],
        "rows": [(row, told(row.problem) if row.problem else "") for row in seen.rows],
        "editor": _editor(layout, seen),
        "wrong": wrong,
        "side": str(Side(asked.side).label),
        "source": source_name(asked.source),
        "save_as": _save_as(asked),
        "given": {name: request.POST.get(name, "") for name in ("total", "rows", "through", "note")},
    }
    return render(request, "console/books/preview.html", context, status=status)


def _editor(layout: Layout, seen: Preview) -> Editor:
    return editor(layout, columns=seen.columns, places=seen.places)


def _save_as(asked: Asked) -> str:
    name = asked.layout.partition("@")[0]
    return name if name not in BUILTIN or "@" in asked.layout else f"{name}-ours"
