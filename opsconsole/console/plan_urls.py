"""Addresses of plans, their runs, and the switches over actions."""

from django.urls import URLPattern, path

from opsconsole.console import (
    action_library,
    channels,
    guide_deeds,
    guide_page,
    guides,
    plan_deeds,
    plan_page,
    plans,
    switches,
)

urlpatterns: list[URLPattern] = [
    path("runbooks/", plans.plans, name="runbooks"),
    path("runbooks/actions/", action_library.action_library, name="action-library"),
    path("runbooks/actions/<str:name>/", action_library.plan_action, name="plan-action"),
    path("runbooks/channels/", channels.channels, name="channels"),
    path("runbooks/channels/<str:name>/pause/", channels.pause, name="channel-pause"),
    path("runbooks/channels/<str:name>/resume/", channels.resume, name="channel-resume"),
    path("runbooks/switches/", switches.switches, name="switches"),
    path("runbooks/switches/<str:name>/", switches.turn, name="switch"),
    path("runbooks/plans/<str:code>/", plan_page.plan, name="plan"),
    path("runbooks/plans/<str:code>/<str:deed>/", plan_deeds.do, name="plan-do"),
    path("runbooks/library/", guides.library, name="library"),
    path("runbooks/library/<str:name>/", guides.book, name="book"),
    path("runbooks/<str:name>/runs/", guide_deeds.begin, name="guide-begin"),
    path("runbooks/<str:name>/runs/<str:code>/", guide_page.run, name="guide"),
    path("runbooks/<str:name>/runs/<str:code>/<str:deed>/", guide_deeds.do, name="guide-do"),
]
