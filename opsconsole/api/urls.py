"""Addresses of the API, every one behind the door."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, re_path
from django.views.decorators.http import require_GET

from opsconsole.api.door import door, nothing_here
from opsconsole.api.openapi import document
from opsconsole.api.platform import api
from opsconsole.api.reference import reference

app_name = "api"


@require_GET
def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document."""
    return JsonResponse(document(api), headers={"Cache-Control": "public, max-age=60"})


@require_GET
def home(request: HttpRequest) -> HttpResponse:
    return redirect("api:reference")


def _operations() -> list[URLPattern]:
    """ninja's addresses, without its own page at the root."""
    found, *_names = api.urls
    return [
        URLPattern(each.pattern, door(each.callback), each.default_args, each.name)
        for each in found
        if isinstance(each, URLPattern) and each.name != "api-root"
    ]


urlpatterns = [
    path("", door(home), name="home"),
    path("openapi.json", door(openapi), name="openapi"),
    path("docs", door(reference), name="reference"),
    *_operations(),
    re_path("", door(nothing_here)),
]
