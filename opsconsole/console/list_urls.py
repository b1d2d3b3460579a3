"""Addresses of the lists of orders. They stand before those of one order, which take any name."""

from django.urls import URLPattern, path

from opsconsole.console import (
    bulk,
    bulk_page,
    dispatch,
    dispatch_send,
    export,
    export_desks,
    hands,
    link_desk,
    money_desk,
    orders,
    saved_views,
    search,
)

urlpatterns: list[URLPattern] = [
    path("search/", search.find, name="search"),
    path("orders/", orders.orders, name="orders"),
    path("orders/export.csv", export.orders, name="orders-export"),
    path("orders/dispatch/", dispatch.queue, name="dispatch"),
    path("orders/dispatch/export.csv", export_desks.dispatch, name="dispatch-export"),
    path("orders/dispatch/next/", dispatch.take_next, name="dispatch-next"),
    path("orders/dispatch/send/", dispatch_send.send, name="dispatch-send"),
    path("orders/links/", link_desk.links, name="links"),
    path("orders/links/export.csv", export_desks.links, name="links-export"),
    path("orders/money/", money_desk.money, name="money"),
    path("orders/money/export.csv", export_desks.money, name="money-export"),
    path("orders/stuck/", orders.stuck, name="stuck"),
    path("orders/stuck/causes/", orders.causes, name="stuck-causes"),
    path("orders/stuck/export.csv", export.stuck, name="stuck-export"),
    path("orders/stuck/views/", saved_views.save, name="stuck-save-view"),
    path("orders/stuck/views/<int:pk>/", saved_views.change, name="stuck-change-view"),
    path("orders/stuck/bulk/", bulk.act, name="stuck-bulk"),
    path("orders/stuck/bulk/undo/", bulk.undo, name="stuck-bulk-undo"),
    path("orders/needs-hand/", hands.hands, name="hands"),
    path("orders/needs-hand/export.csv", export.hands, name="hands-export"),
    path("orders/bulk/<str:key>/", bulk_page.bulk, name="bulk"),
]
