"""Addresses of incidents and alerts."""

from django.urls import URLPattern, path

from opsconsole.console import incident_board, incident_deeds, incident_page, incidents

urlpatterns: list[URLPattern] = [
    path("incidents/", incidents.incidents, name="incidents"),
    path("incidents/new/", incidents.new, name="incident-new"),
    path("incidents/alerts/", incidents.alerts, name="alerts-loose"),
    path("incidents/statistics/", incidents.statistics, name="incident-statistics"),
    path("incidents/<str:code>/", incident_page.incident, name="incident"),
    path("incidents/<str:code>/clocks/", incident_page.clocks, name="incident-clocks"),
    path("incidents/<str:code>/board/", incident_board.board, name="incident-board"),
    path("incidents/<str:code>/<str:deed>/", incident_deeds.do, name="incident-do"),
]
