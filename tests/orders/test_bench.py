"""The benchmarks run: tiny, on the database of the tests."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from orders.models import InboundEvent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


def test_callbacks_are_measured_from_the_wire_to_the_ledger() -> None:
    said = StringIO()
    call_command("bench", "callbacks", "--callbacks", "20", "--web-workers", "1", "--json", stdout=said)

    figures = {line["name"]: line["value"] for line in json.loads(said.getvalue())["lines"]}
    assert figures["callbacks verified, stored, answered"] > 0
    assert figures["answers other than 200"] == 0
    assert figures["callbacks judged and applied"] > 0
    assert figures["not applied"] == 0
    assert not InboundEvent.objects.filter(reference="BENCH").exists()
