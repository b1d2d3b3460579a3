"""`manage.py draw_machines`: the pictures of the state machines for docs and console, and the list of their events."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from opsconsole.event_catalogue import PAGE, written
from opsconsole.pictures import FOLDER, dot_text, svg_text
from orders.states import MACHINES


class Command(BaseCommand):
    help = "Draw every state machine into docs/machines, list its events in docs/events.md. Needs graphviz (dot)."

    def handle(self, *args: Any, **options: Any) -> None:
        PAGE.write_text(written(PAGE.read_text()))
        FOLDER.mkdir(parents=True, exist_ok=True)
        for name, machine in MACHINES.items():
            dot = dot_text(machine)
            (FOLDER / f"{name}.dot").write_text(dot)
            try:
                (FOLDER / f"{name}.svg").write_text(svg_text(dot))
            except FileNotFoundError as error:
                raise CommandError("There is no `dot` here; install graphviz.", returncode=2) from error
        self.stdout.write(f"{len(MACHINES)} machines drawn into {FOLDER}")
