"""Addresses of plans, their runs, and the switches over actions."""

from django.urls import URLPattern, path

from opsconsole.console import plan_deeds, plan_page, plans, switches

urlpatterns: list[URLPattern] = [
    path("runbooks/", plans.plans, name="runbooks"),
    path("runbooks/switches/", switches.switches, name="switches"),
    path("runbooks/switches/<str:name>/", switches.turn, name="switch"),
    path("runbooks/plans/<str:code>/", plan_page.plan, name="plan"),
    path("runbooks/plans/<str:code>/<str:deed>/", plan_deeds.do, name="plan-do"),
]
