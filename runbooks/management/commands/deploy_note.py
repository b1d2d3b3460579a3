"""`manage.py deploy_note --service orders --version 2026.11.28-1 --actor sari`: what went live, for the timelines."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from runbooks.hearing import Deployed, Strange
from runbooks.hearing.deploys import known_service
from runbooks.hearing.heard import needed_instant
from runbooks.services import deploys


class Command(BaseCommand):
    help = "Note that a version of a service went live: it stands on the timelines of incidents of that time."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Here `--version` is the one that went live, and not Django's."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--service", required=True, help="name or alias in the catalogue")
        parser.add_argument("--version", required=True, dest="deployed")
        parser.add_argument("--actor", required=True, help="your user name, for the record")
        parser.add_argument("--text", default="", help="what is new")
        parser.add_argument("--at", default="", help="ISO 8601 with a zone (default: now)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            note = deploys.keep(_deployed(options))
        except Strange as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(f"{note} at {note.at.isoformat()}")


def _deployed(options: Any) -> Deployed:
    at = needed_instant(options["at"], name="--at") if options["at"] else timezone.now()
    return Deployed(
        service=known_service(options["service"]),
        version=options["deployed"][:80],
        at=at,
        actor=f"user:{options['actor']}"[:80],
        text=options["text"][:400],
    )
