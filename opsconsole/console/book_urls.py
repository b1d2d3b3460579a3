"""Addresses of reconciliation's books: feeds, loads, layouts, runs, days."""

from datetime import date

from django.urls import URLPattern, path, register_converter

from opsconsole.console import book_files, books, days, run_schedules, runs

R = "reconciliation/"


class DayConverter:
    """`2026-11-20`; anything else is no address."""

    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)  # a ValueError means: no such address

    def to_url(self, value: date) -> str:
        return value.isoformat()


register_converter(DayConverter, "day")

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
    path(f"{R}days/", days.days, name="days"),
    path(f"{R}days/<day:on>/", days.day, name="day"),
    path(f"{R}days/<day:on>/rows/", days.rows, name="day-rows"),
    path(f"{R}days/<day:on>/rows.csv", days.rows_csv, name="day-rows-csv"),
    path(f"{R}days/<day:on>/verify/", days.verify, name="day-verify"),
    path(f"{R}days/<day:on>/<slug:deed>/", days.decide, name="day-decide"),
    path(f"{R}layouts/", book_files.layouts, name="layouts"),
    path(f"{R}layouts/<str:name>/", book_files.layout, name="layout"),
]
