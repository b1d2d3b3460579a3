"""Addresses of the section *Services*."""

from django.urls import URLPattern, path

from opsconsole.console import service_map, service_risk, services

urlpatterns: list[URLPattern] = [
    path("services/", services.services, name="services"),
    path("services/catalogue/", service_risk.catalogue, name="service-catalogue"),
    path("services/map/", service_map.service_map, name="service-map"),
    path("services/history/", service_risk.history, name="service-history"),
    path("services/events/", services.events, name="services-events"),
    path("services/without/", services.without, name="services-without"),
    path("services/limits/<str:endpoint>/<str:scope>/", services.limit, name="rate-limit"),
    path("services/<str:name>/breaker/", services.operate, name="breaker"),
]
