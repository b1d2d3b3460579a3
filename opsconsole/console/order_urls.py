"""Addresses of one order and of the settings. A bare order stands last: an imported id may hold a slash."""

from django.urls import URLPattern, path

from opsconsole.console import (
    actions,
    approvals,
    desk,
    dispatch,
    holds,
    limits,
    link_desk,
    machines,
    order,
    order_actions,
    saga,
    saga_choices,
    tokens,
)
from opsconsole.console.order_choices import KINDS

ORDER = "orders/<path:public_id>/"

urlpatterns: list[URLPattern] = [
    path("machines/", machines.machines, name="machines"),
    path("settings/tokens/", tokens.tokens, name="tokens"),
    path("settings/tokens/issue/", tokens.issue, name="token-issue"),
    path("settings/tokens/<int:pk>/revoke/", tokens.revoke, name="token-revoke"),
    path("settings/limits/", limits.limits, name="limits"),
    path("settings/holds/<str:method>/", holds.change, name="hold"),
    path("settings/limits/<str:machine>/<str:state>/", limits.change, name="limit"),
    path("approvals/", approvals.waiting, name="approvals"),
    path("approvals/<str:kind>/<int:pk>/", approvals.decide, name="approval"),
    # Before the panel of an order, whose id may hold a slash: `…/dispatch/peek/` is no order called “…/dispatch”.
    path(f"{ORDER}dispatch/", dispatch.entry, name="order-dispatch"),
    path(f"{ORDER}dispatch/peek/", dispatch.peek, name="order-dispatch-peek"),
    path(f"{ORDER}dispatch/vehicles/", dispatch.vehicles, name="order-dispatch-vehicles"),
    path(f"{ORDER}dispatch/claim/", dispatch.claim, name="order-dispatch-claim"),
    path(f"{ORDER}dispatch/release/", dispatch.release, name="order-dispatch-release"),
    path(f"{ORDER}dispatch/hand-over/", dispatch.hand_over, name="order-dispatch-hand-over"),
    path(f"{ORDER}dispatch/note/", dispatch.note, name="order-dispatch-note"),
    path(f"{ORDER}dispatch/assign/", dispatch.assign, name="order-dispatch-assign"),
    path(f"{ORDER}dispatch/free/", dispatch.free, name="order-dispatch-free"),
    path(f"{ORDER}link/", link_desk.link, name="order-link"),
    path(f"{ORDER}link/peek/", link_desk.link_peek, name="order-link-peek"),
    path(f"{ORDER}peek/", order.peek, name="order-peek"),
    path(f"{ORDER}actions/", order_actions.order_actions, name="order-actions"),
    path(f"{ORDER}truths/", order.truths, name="order-truths"),
    path(f"{ORDER}messages/<int:pk>/", order.message, name="order-message"),
    path(f"{ORDER}messages/<int:pk>/open/", order.open_message, name="order-message-open"),
    path(f"{ORDER}reveal/", order.reveal, name="order-reveal"),
    path(f"{ORDER}take/", desk.take, name="order-take"),
    path(f"{ORDER}assign/", desk.assign, name="order-assign"),
    path(f"{ORDER}hold/", desk.hold, name="order-hold"),
    path(f"{ORDER}release/", desk.release, name="order-release"),
    path(f"{ORDER}note/", desk.note, name="order-note"),
    path(f"{ORDER}called/", desk.called, name="order-called"),
    path(f"{ORDER}undo/", desk.undo, name="order-undo"),
    path(f"{ORDER}do/echo/", actions.echo, name="order-echo"),
    path(f"{ORDER}do/withdraw/<int:pk>/", actions.withdraw, name="order-withdraw"),
    path(f"{ORDER}saga/", saga.newest, name="order-saga"),
    path(f"{ORDER}sagas/<int:number>/", saga.saga, name="saga"),
    *(
        path(f"{ORDER}sagas/<int:number>/do/{name}/", saga.view_of(name), name=f"saga-{name}")
        for name in saga_choices.KINDS
    ),
    *(path(f"{ORDER}do/{name}/", actions.view_of(name), name=f"order-{name}") for name in KINDS),
    path(f"{ORDER}do/<str:name>/warnings/", actions.warnings, name="order-warnings"),
    path(ORDER, order.order, name="order"),
]
