"""Addresses of incidents and alerts."""

from django.urls import URLPattern, path

from opsconsole.console import (
    alert_attach,
    export_incidents,
    incident_board,
    incident_customers,
    incident_deeds,
    incident_page,
    incident_repair,
    incident_review,
    incidents,
)

urlpatterns: list[URLPattern] = [
    path("incidents/", incidents.incidents, name="incidents"),
    path("incidents/new/", incidents.new, name="incident-new"),
    path("incidents/export.csv", export_incidents.incidents, name="incidents-export"),
    path("incidents/alerts/<int:pk>/", alert_attach.attach, name="alert-attach"),
    path("incidents/alerts/", incidents.alerts, name="alerts-loose"),
    path("incidents/statistics/", incidents.statistics, name="incident-statistics"),
    path("incidents/items/", incident_review.items, name="incident-items"),
    path("incidents/items/<int:pk>/", incident_review.end_item, name="incident-item-end"),
    path("incidents/<str:code>/", incident_page.incident, name="incident"),
    path("incidents/<str:code>/clocks/", incident_page.clocks, name="incident-clocks"),
    path("incidents/<str:code>/review/", incident_review.review, name="incident-review"),
    path("incidents/<str:code>/review/write/", incident_review.write, name="incident-review-write"),
    path("incidents/<str:code>/review/items/", incident_review.add_item, name="incident-item-add"),
    path("incidents/<str:code>/review/markdown/", incident_review.markdown, name="incident-review-markdown"),
    path("incidents/<str:code>/repair/", incident_repair.repair, name="incident-repair"),
    path("incidents/<str:code>/customers/", incident_customers.customers, name="incident-customers"),
    path("incidents/<str:code>/board/", incident_board.board, name="incident-board"),
    path("incidents/<str:code>/<str:deed>/", incident_deeds.do, name="incident-do"),
]
