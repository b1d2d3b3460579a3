"""Addresses of the section *Services*."""

from django.urls import URLPattern, path

from opsconsole.console import services

urlpatterns: list[URLPattern] = [
    path("services/", services.services, name="services"),
    path("services/events/", services.events, name="services-events"),
    path("services/without/", services.without, name="services-without"),
    path("services/limits/<str:endpoint>/<str:scope>/", services.limit, name="rate-limit"),
    path("services/<str:name>/breaker/", services.operate, name="breaker"),
]
