"""Addresses of plans, their runs, and the switches over actions."""

from django.urls import URLPattern, path

from opsconsole.console import channels, plan_deeds, plan_page, plans, switches

urlpatterns: list[URLPattern] = [
    path("runbooks/", plans.plans, name="runbooks"),
    path("runbooks/channels/", channels.channels, name="channels"),
    path("runbooks/channels/<str:name>/pause/", channels.pause, name="channel-pause"),
    path("runbooks/channels/<str:name>/resume/", channels.resume, name="channel-resume"),
    path("runbooks/switches/", switches.switches, name="switches"),
    path("runbooks/switches/<str:name>/", switches.turn, name="switch"),
    path("runbooks/plans/<str:code>/", plan_page.plan, name="plan"),
    path("runbooks/plans/<str:code>/<str:deed>/", plan_deeds.do, name="plan-do"),
]
