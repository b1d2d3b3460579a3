"""Addresses of reconciliation: feeds, loads, layouts, runs, days, breaks, cases, links and rules."""

from datetime import date

from django.urls import URLPattern, path, register_converter

from opsconsole.console import (
    book_feeds,
    book_files,
    books,
    break_acts,
    break_list,
    break_page,
    case_pages,
    days,
    link_screen,
    mailings,
    proposal_files,
    repairs,
    reports,
    rule_screen,
    run_schedules,
    runs,
)

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
    path(f"{R}reports/", reports.reports, name="reports"),
    path(f"{R}reports/proposals/", proposal_files.load_back, name="report-load-back"),
    path(f"{R}reports/proposals/<int:pk>/", proposal_files.proposal_file, name="proposal-file"),
    path(f"{R}reports/proposals/<int:pk>/refused.csv", proposal_files.refused, name="proposal-refused"),
    path(f"{R}reports/files/<int:pk>/", reports.file, name="report-file"),
    path(f"{R}reports/mailings/new/", mailings.edit, name="mailing-new"),
    path(f"{R}reports/mailings/<int:pk>/", mailings.mailing, name="mailing"),
    path(f"{R}reports/mailings/<int:pk>/change/", mailings.edit, name="mailing-edit"),
    path(f"{R}reports/mailings/<int:pk>/send/", mailings.send, name="mailing-send"),
    path(f"{R}reports/mailings/<int:pk>/switch/", mailings.switch, name="mailing-switch"),
    path(f"{R}reports/mailings/files/<int:pk>/", mailings.file, name="mailing-file"),
    path(f"{R}reports/<slug:name>/", reports.report, name="report"),
    path(f"{R}reports/<slug:name>.csv", reports.report_csv, name="report-csv"),
    path(f"{R}reports/<slug:name>/spreadsheet/", reports.ask, name="report-ask"),
    path(f"{R}repairs/", repairs.repair, name="repair"),
    path(f"{R}days/", days.days, name="days"),
    path(f"{R}days/<day:on>/", days.day, name="day"),
    path(f"{R}days/<day:on>/rows/", days.rows, name="day-rows"),
    path(f"{R}days/<day:on>/rows.csv", days.rows_csv, name="day-rows-csv"),
    path(f"{R}days/<day:on>/verify/", days.verify, name="day-verify"),
    path(f"{R}days/<day:on>/<slug:deed>/", days.decide, name="day-decide"),
    path(f"{R}cases/", case_pages.cases, name="cases"),
    path(f"{R}cases/export.csv", case_pages.export, name="cases-export"),
    path(f"{R}cases/<int:pk>/", case_pages.case, name="case"),
    path(f"{R}cases/<int:pk>/act/", break_acts.act_on_case, name="case-act"),
    path(f"{R}breaks/", break_list.breaks, name="breaks"),
    path(f"{R}breaks/export.csv", break_list.export, name="breaks-export"),
    path(f"{R}breaks/act/", break_acts.act_on_many, name="breaks-act"),
    path(f"{R}breaks/<int:pk>/", break_page.found_break, name="break"),
    path(f"{R}breaks/<int:pk>/act/", break_acts.act_on_one, name="break-act"),
    path(f"{R}lines/<int:pk>/row/", break_page.raw, name="line-row"),
    path(f"{R}link/", link_screen.link, name="link-lines"),
    path(f"{R}links/<int:pk>/", link_screen.one_link, name="book-link"),
    path(f"{R}links/<int:pk>/decide/", link_screen.decide, name="book-link-decide"),
    path(f"{R}feeds/<int:pk>/", book_feeds.feed, name="book-feed"),
    path(f"{R}rules/", rule_screen.rules, name="book-rules"),
    path(f"{R}rules/trials/<int:pk>/save/", rule_screen.save, name="book-rules-save"),
    path(f"{R}layouts/", book_files.layouts, name="layouts"),
    path(f"{R}layouts/<str:name>/", book_files.layout, name="layout"),
]
