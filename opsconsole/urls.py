"""Addresses. Screens, API and callbacks are included from the packages that own them."""

from django.urls import URLPattern, URLResolver, include, path

from opsconsole.liveness import health
from opsconsole.metrics import metrics
from opsconsole.readiness import ready

urlpatterns: list[URLPattern | URLResolver] = [
    path("health", health, name="health"),
    path("ready", ready, name="ready"),
    path("metrics", metrics, name="metrics"),
    path("callbacks/alerts/", include("runbooks.urls")),
    path("callbacks/", include("orders.urls")),
    path("api/v1/", include("opsconsole.api.urls")),
    path("", include("opsconsole.console.urls")),
    path("", include("opsconsole.console.order_urls")),
]
