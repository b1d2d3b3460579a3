"""`manage.py test`: the whole suite. `launching` hands over to pytest before Django is loaded; this is its help."""

from typing import NoReturn

from django.core.management.base import BaseCommand

from opsconsole.launching import run_pytest


class Command(BaseCommand):
    help = "Run the tests with pytest; everything after `test` is for pytest."
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> NoReturn:
        run_pytest(argv[2:])
