"""Addresses of reconciliation's books: feeds, loads, layouts, runs."""

from django.urls import URLPattern, path

from opsconsole.console import book_files, books, run_schedules, runs

R = "reconciliation/"

urlpatterns: list[URLPattern] = [
    path(R, books.overview, name="reconciliation"),
    path(f"{R}loads/", books.loads, name="loads"),
    path(f"{R}loads/new/", book_files.upload, name="load-new"),
    path(f"{R}loads/preview/", book_files.preview, name="load-preview"),
    path(f"{R}loads/<int:pk>/", books.load, name="load"),
    path(f"{R}loads/<int:pk>/quarantine.csv", books.quarantine, name="load-quarantine"),
    path(f"{R}loads/<int:pk>/decide/", books.decide, name="load-decide"),
    path(f"{R}runs/", runs.runs, name="book-runs"),
    path(f"{R}runs/new/", runs.start, name="book-run-start"),
    path(f"{R}runs/compare/", runs.compare, name="book-run-compare"),
    path(f"{R}runs/schedules/new/", run_schedules.schedule, name="book-schedule-new"),
    path(f"{R}runs/schedules/<int:pk>/", run_schedules.schedule, name="book-schedule"),
    path(f"{R}runs/<int:pk>/", runs.run, name="book-run"),
    path(f"{R}layouts/", book_files.layouts, name="layouts"),
    path(f"{R}layouts/<str:name>/", book_files.layout, name="layout"),
]
