"""Nobody proves who they are by a secret that everybody can read (ADR 0120)."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.test import Client

from opsconsole.deploy_checks import published_secrets
from opsconsole.environment import Environment
from opsconsole.paths import PROJECT
from opsconsole.upstreams import WEBHOOK_SECRETS
from opsconsole.upstreams import published_secrets as published

OURS = dict.fromkeys(WEBHOOK_SECRETS.values(), "a-secret-of-ours")
ASK = """import json; from django.conf import settings as s
print(json.dumps([s.UNPROVED_SENDERS, s.GATEWAYS, s.TPG, s.PARTNERS, s.ALERTS]))"""


def settings_of(**environ: str) -> Any:
    """What the product's own settings make of an environment."""
    known = {name: value for name, value in os.environ.items() if name not in OURS}
    command = [sys.executable, "-c", ASK]
    whole = {**known, "DJANGO_SETTINGS_MODULE": "opsconsole.settings", **environ}
    done = subprocess.run(command, cwd=PROJECT, env=whole, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_secret_that_is_left_out_left_empty_or_copied_from_the_sandbox_is_published() -> None:
    assert published({}) == WEBHOOK_SECRETS
    assert published(OURS | {"TPG_CALLBACK_SECRET": "", "XENDIT_CALLBACK_TOKEN": "sandbox-callback-token"}) == {
        "tpg": "TPG_CALLBACK_SECRET",
        "xendit": "XENDIT_CALLBACK_TOKEN",
    }
    assert published(OURS) == {}


def test_every_secret_is_the_one_that_its_messages_are_verified_with() -> None:
    unproved, gateways, tpg, partners, alerts = settings_of(OPSCONSOLE_URL="https://ops.example.com", **OURS)
    assert unproved == {}
    used = [
        gateways["midtrans"]["server_key"],
        gateways["xendit"]["callback_token"],
        gateways["nicepay"]["merchant_key"],
    ]
    used += [tpg["callback_secret"], *(each["callback_secret"] for each in partners.values()), *alerts.values()]
    assert (len(used), set(used)) == (len(WEBHOOK_SECRETS), set(OURS.values()))


@pytest.mark.parametrize(
    ("environ", "refused"),
    [
        ({}, False),
        ({"OPSCONSOLE_URL": "https://ops.example.com"}, True),
        ({"ALLOWED_HOSTS": "localhost,ops.example.com"}, True),
        ({"OPSCONSOLE_URL": "https://ops.example.com", "OPSCONSOLE_DEMO": "yes"}, False),
    ],
    ids=["at home", "a public address", "a public name", "a demo"],
)
def test_published_secrets_hold_at_home_and_in_a_demo_only(environ: dict[str, str], *, refused: bool) -> None:
    assert bool(settings_of(**environ)[0]) is refused


@pytest.mark.parametrize(
    ("place", "is_home"),
    [
        ("localhost", True),
        ("[::1]", True),
        ("http://127.0.0.1:8000", True),
        ("web", False),
        (".example.com", False),
        ("*", False),
    ],
)
def test_what_leads_to_this_machine_alone(place: str, *, is_home: bool) -> None:
    assert Environment.is_loopback(place) is is_home


@pytest.mark.parametrize("path", ["midtrans", "tpg", "partners/rent", "alerts/grafana", "alerts/deploy"])
@pytest.mark.django_db
def test_whoever_uses_a_published_secret_is_told_to_come_again_and_ready_says_why(settings: Any, path: str) -> None:
    source = path.rpartition("/")[2]
    settings.UNPROVED_SENDERS = {source: WEBHOOK_SECRETS[source]}

    assert Client().post(f"/callbacks/{path}", b"{}", content_type="application/json").status_code == 503
    told = Client().get("/ready").json()["dependencies"]["webhook secrets"]
    assert told == {"ok": False, "why": f"default secrets: {WEBHOOK_SECRETS[source]}"}


def test_the_deployment_check_names_each_variable(settings: Any) -> None:
    settings.DEMO = False
    hints = " ".join(str(each.hint) for each in published_secrets())
    assert all(name in hints for name in WEBHOOK_SECRETS.values())
    settings.DEMO = True
    assert [each.id for each in published_secrets()] == ["opsconsole.E002"]
