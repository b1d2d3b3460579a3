"""docs/events.md against the code."""

import re

from opsconsole.event_catalogue import PAGE, written
from orders import events
from orders.consumers import CONSUMERS
from orders.queries import sentences
from orders.states import MACHINES, SILENT

TYPES = {int: "integer", str: "text"}


def test_the_page_lists_every_event_as_the_tables_have_it() -> None:
    page = PAGE.read_text()

    assert page == written(page), "run manage.py draw_machines"


def test_there_is_one_line_for_each_machine_and_verb_and_for_each_fact() -> None:
    listed = re.findall(r"^\| `(\w+)\.(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    wanted = {(name, str(verb)) for name, machine in MACHINES.items() for verb in machine.verbs}

    assert len(listed) == len(set(listed))
    assert set(listed) == wanted - {(name, "create") for name in SILENT}
    facts = re.findall(r"^\| `….(\w+)` \|", PAGE.read_text(), re.MULTILINE)
    assert set(facts) == {*sentences.FACTS, *sentences.GENERAL}


def test_the_page_names_every_field_with_its_type_in_their_order() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (integer|text|time) \|", PAGE.read_text(), re.MULTILINE)

    assert rows == [(name, TYPES.get(wanted, "time")) for name, wanted in events.FIELDS.items()]


def test_consumers_want_only_what_can_happen_and_nothing_about_letters() -> None:
    known = {(name, str(verb)) for name, machine in MACHINES.items() for verb in machine.verbs}
    for name, consumer in CONSUMERS.items():
        assert len(name) <= 24
        for machine, verb in consumer.wants:
            assert machine != "letter"
            assert (machine, verb) in known or verb in {*sentences.FACTS, *sentences.GENERAL}
