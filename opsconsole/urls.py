"""Addresses. Screens, API and callbacks are included from the packages that own them."""

from django.urls import URLPattern, URLResolver, path

from opsconsole.liveness import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health, name="health"),
]
