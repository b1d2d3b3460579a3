"""`manage.py translations`: brings the Indonesian catalogue up to the sources and compiles it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from opsconsole.console import catalogue
from opsconsole.paths import PROJECT

FOLDER = PROJECT / "locale" / "id" / "LC_MESSAGES"


class Command(BaseCommand):
    help = "Updates locale/id from the sources, compiles it and names what is not translated yet."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="change nothing, fail when something is missing")

    def handle(self, *_args: Any, **options: Any) -> None:
        po = FOLDER / "django.po"
        known = catalogue.read_po(po.read_text()) if po.exists() else {}
        messages = catalogue.merged(catalogue.found(PROJECT), known)
        if not options["check"]:
            FOLDER.mkdir(parents=True, exist_ok=True)
            po.write_text(catalogue.written_po(messages))
            (FOLDER / "django.mo").write_bytes(catalogue.compiled(messages))
        missing = [message for message in messages if not message.translation or message.is_fuzzy]
        for message in missing:
            self.stdout.write(f"{message.files[0]}: {message.text!r}")
        if missing:
            raise CommandError(f"{len(missing)} of {len(messages)} texts have no translation in {po}.")
        self.stdout.write(f"{len(messages)} texts, all translated.")
