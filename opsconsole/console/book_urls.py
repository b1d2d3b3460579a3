"""Addresses of reconciliation's books: feeds, loads, layouts."""

from django.urls import URLPattern, path

from opsconsole.console import book_files, books

R = "reconciliation/"

urlpatterns: list[URLPattern] = [
    path(R, books.overview, name="reconciliation"),
    path(f"{R}loads/", books.loads, name="loads"),
    path(f"{R}loads/new/", book_files.upload, name="load-new"),
    path(f"{R}loads/preview/", book_files.preview, name="load-preview"),
    path(f"{R}loads/<int:pk>/", books.load, name="load"),
    path(f"{R}loads/<int:pk>/quarantine.csv", books.quarantine, name="load-quarantine"),
    path(f"{R}loads/<int:pk>/decide/", books.decide, name="load-decide"),
    path(f"{R}layouts/", book_files.layouts, name="layouts"),
    path(f"{R}layouts/<str:name>/", book_files.layout, name="layout"),
]
