"""Where the outside world calls in."""

from django.urls import path

from orders import webhooks

urlpatterns = [
    path("tpg", webhooks.trip_callback, name="callback-tpg"),
    path("partners/<slug:source>", webhooks.trip_callback, name="callback-partner"),
    path("<slug:source>", webhooks.gateway_callback, name="callback-gateway"),
]
