"""The benchmark of loading runs, tiny, and leaves nothing behind."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from reconciliation.models import Entry, Feed, Load


@pytest.mark.django_db
def test_loading_is_measured_beside_bare_copies_and_leaves_nothing(settings: Any, tmp_path: Path) -> None:
    settings.LOADS_DIR = str(tmp_path / "loads")
    said = StringIO()
    call_command("bench", "load", "--rows", "50", "--json", stdout=said)
    figures = {line["name"]: line["ratio"] for line in json.loads(said.getvalue())["lines"]}
    assert figures["bare COPY, no index"] == 1.0
    assert figures["load: read, judge, take in"] > 0
    assert (Entry.objects.count(), Load.objects.count(), Feed.objects.count()) == (0, 0, 0)
    assert list((tmp_path / "loads").iterdir()) == []
