"""Relay, consumer and broker as processes of their own, killed -9 while events flow: nothing lost, nothing twice."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


def test_events_survive_the_death_of_everybody_who_carries_them() -> None:
    said = StringIO()
    options = ("--seconds=4", "--rate=6", "--kill-every=1.5", "--kill-broker", "--json")
    call_command("bench", "events", *options, stdout=said)

    figures = {line["name"]: line["value"] for line in json.loads(said.getvalue())["lines"]}
    assert figures["orders placed and completed"] >= 10
    assert figures["events for the consumer"] >= 10
    assert figures["processes killed -9"] >= 2
    assert figures["broker killed -9, and back after"] > 0
    assert figures["lost"] == figures["effects that happened twice"] == 0
