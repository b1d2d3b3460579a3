"""`manage.py person sari --role oncall --actor made --reason "joins the shift"`: who signs in, and with which roles."""

import sys
from getpass import getpass
from typing import Any, TextIO

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from opsconsole import people
from opsconsole.console.roles import Role, roles_of
from opsconsole.people import Wanted
from orders.errors import Refusal


class Command(BaseCommand):
    help = "List people, or make or change one: name, roles, password, or that they have left."
    stealth_options = ("stdin",)  # where a test answers

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", nargs="?", help="without it, everybody is listed")
        parser.add_argument("--name", dest="full_name", help="as colleagues read it")
        parser.add_argument("--role", action="append", choices=[role.value for role in Role], help="all of them, anew")
        parser.add_argument("--password", action="store_true", help="a new one: asked for, or the first line of stdin")
        there = parser.add_mutually_exclusive_group()
        there.add_argument("--left", dest="is_active", action="store_false", default=None, help="may not sign in")
        there.add_argument("--back", dest="is_active", action="store_true", default=None, help="may sign in again")
        parser.add_argument("--actor", default="", help="your user name, for the record")
        parser.add_argument("--reason", default="", help="for the record")

    def handle(self, **options: Any) -> None:
        if options["username"]:
            self._put(options)
        else:
            for user in User.objects.order_by("username").prefetch_related("groups"):
                self.stdout.write(_line(user))

    def _put(self, options: dict[str, Any]) -> None:
        if not options["actor"]:
            raise CommandError("Say who you are: --actor NAME.", returncode=2)
        is_new = not User.objects.filter(username=options["username"]).exists()
        wanted = Wanted(
            full_name=options["full_name"],
            roles=[Role(each) for each in options["role"]] if options["role"] else None,
            password=_password(options.get("stdin") or sys.stdin) if options["password"] or is_new else None,
            is_active=options["is_active"],
        )
        try:
            user = people.put(options["username"], wanted, actor=f"user:{options['actor']}", reason=options["reason"])
        except Refusal as problem:
            raise CommandError(str(problem), returncode=2) from None
        self.stdout.write(_line(user))


def _password(stdin: TextIO) -> str:
    return getpass("Password: ") if stdin.isatty() else stdin.readline().rstrip("\n")


def _line(user: User) -> str:
    roles = ", ".join(roles_of(user)) or "no role"
    return f"{user.username}: {user.get_full_name() or '-'}; {roles}{'' if user.is_active else '; left'}"
