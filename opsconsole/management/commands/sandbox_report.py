"""`manage.py sandbox_report`: what a gateway of the sandbox would send of a business day, to load into its book."""

import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from opsconsole.sandbox.remote import NobodyAnswers, RemoteSandbox, SandboxSaidNo
from opsconsole.sandbox.reports import WIB
from opsconsole.scenarios.run import control_url


class Command(BaseCommand):
    help = "Write a gateway's settlement report of a business day, from the sandbox's own books."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--gateway", choices=("midtrans", "xendit", "nicepay"), required=True)
        parser.add_argument("--date", type=date.fromisoformat, metavar="YYYY-MM-DD", help="WIB (default: today)")
        parser.add_argument("--out", type=Path, metavar="FILE", help="default: the terminal")

    def handle(self, **options: Any) -> None:
        day = options["date"] or datetime.now(WIB).date()
        try:
            with RemoteSandbox(control_url()) as sandbox:
                text = sandbox.report(options["gateway"], day)
        except SandboxSaidNo as refusal:
            raise CommandError(str(refusal)) from refusal
        except NobodyAnswers as problem:
            raise CommandError(f"no sandbox answers at {control_url()} (SANDBOX_PORT)", returncode=2) from problem
        if options["out"] is None:
            sys.stdout.buffer.write(text)
            return
        options["out"].write_bytes(text)
        rows = max(text.count(b"\n") - 1, 0)
        self.stdout.write(f"{rows:,} rows in {options['out']}")
