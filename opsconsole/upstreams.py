"""Where the neighbours are and how to speak to them, read from the environment.

The settings import `UPSTREAMS`, `GATEWAYS`, `TPG`, `PARTNERS` from here; the sandbox takes the same
names, so that an address or a secret is written down once.
"""

import os
from collections.abc import Mapping
from typing import Any, TypedDict

HOST = "127.0.0.1"
SANDBOX_PORT = 8100

# The position is the port offset of the neighbour in the sandbox; the control page has offset 0.
NEIGHBOURS = (
    "control",
    "midtrans",
    "xendit",
    "nicepay",
    "tpg",
    "rent",
    "delivery",
    "shuttle",
    "ho",
    "session_manager",
    "promo",
    "config",
    "notification",
    "inventory",
    "pagerduty",
    "slack",
    "mail",
)

# Seconds for a whole call, tries included, and the tries of a call that may be repeated (domain, section 2).
LIMITS: Mapping[str, tuple[float, int]] = {
    "midtrans": (3.0, 3),
    "xendit": (3.0, 3),
    "nicepay": (3.0, 3),
    "tpg": (10.0, 3),
    "rent": (5.0, 3),
    "delivery": (5.0, 3),
    "shuttle": (5.0, 3),
    "ho": (5.0, 3),
    "session_manager": (5.0, 3),
    "promo": (1.0, 2),
    "config": (1.0, 3),
    "notification": (2.0, 5),
    "inventory": (3.0, 3),
    "pagerduty": (5.0, 3),
    "slack": (5.0, 3),
    "mail": (5.0, 3),
}


# When a breaker opens and how it closes (domain, section 4; fields: orders.resilience.breaker.Policy).
DEFAULT_BREAKER: Mapping[str, float] = {"consecutive": 5, "open": 60.0, "probes": 1}
OWN_BREAKERS: Mapping[str, Mapping[str, float]] = {
    "tpg": {"consecutive": 0, "calls": 10, "ratio": 0.5, "window": 60, "open": 30.0, "probes": 3},
}
WHOLE_NUMBERS = ("consecutive", "calls", "window", "probes")


class Upstream(TypedDict):
    url: str
    timeout: float
    tries: int


def sandbox_port(environ: Mapping[str, str] = os.environ) -> int:
    return int(environ.get("SANDBOX_PORT", SANDBOX_PORT))


def sandbox_urls(port_base: int) -> dict[str, str]:
    """Every sandbox listener, the control page included."""
    return {name: f"http://{HOST}:{port_base + offset}" for offset, name in enumerate(NEIGHBOURS)}


def upstreams(environ: Mapping[str, str] = os.environ) -> dict[str, Upstream]:
    """`<NAME>_URL`, `<NAME>_TIMEOUT` (seconds) and `<NAME>_TRIES` override the sandbox defaults."""
    urls = sandbox_urls(sandbox_port(environ))
    return {name: _upstream(name, url=urls[name], environ=environ) for name in LIMITS}


def _upstream(name: str, *, url: str, environ: Mapping[str, str]) -> Upstream:
    timeout, tries = LIMITS[name]
    prefix = name.upper()
    return {
        "url": environ.get(f"{prefix}_URL", url).rstrip("/"),
        "timeout": float(environ.get(f"{prefix}_TIMEOUT", timeout)),
        "tries": int(environ.get(f"{prefix}_TRIES", tries)),
    }


def breakers(environ: Mapping[str, str] = os.environ) -> dict[str, dict[str, Any]]:
    """`<NAME>_BREAKER`, such as `calls=10 ratio=0.5 window=60 open=30 probes=3`, changes what it names; `off` takes
    the neighbour's breaker away."""
    given = {name: environ.get(f"{name.upper()}_BREAKER", "").strip() for name in LIMITS}
    return {name: _breaker(name, said) for name, said in given.items() if said != "off"}


def _breaker(name: str, said: str) -> dict[str, Any]:
    policy: dict[str, Any] = dict(OWN_BREAKERS.get(name, DEFAULT_BREAKER))
    for word in said.split():
        key, _is, value = word.partition("=")
        policy[key] = int(value) if key in WHOLE_NUMBERS else float(value)
    return policy


def gateways(environ: Mapping[str, str] = os.environ) -> dict[str, dict[str, str]]:
    """Credentials of the three gateways; the defaults only open the sandbox."""
    return {
        "midtrans": {
            "server_key": environ.get("MIDTRANS_SERVER_KEY") or "SB-Mid-server-sandbox",
            "merchant_id": environ.get("MIDTRANS_MERCHANT_ID", "G000000001"),
        },
        "xendit": {
            "secret_key": environ.get("XENDIT_SECRET_KEY", "xnd_development_sandbox"),
            "callback_token": environ.get("XENDIT_CALLBACK_TOKEN") or "sandbox-callback-token",
            "user_id": environ.get("XENDIT_USER_ID", "5f00000000000000000000aa"),
        },
        "nicepay": {
            "imid": environ.get("NICEPAY_IMID", "MRGSANDBOX"),
            "merchant_key": environ.get("NICEPAY_MERCHANT_KEY") or "sandbox-merchant-key",
        },
    }


# What senders of messages prove themselves with, by the last word of their address under /callbacks/.
WEBHOOK_SECRETS: Mapping[str, str] = {
    "midtrans": "MIDTRANS_SERVER_KEY",
    "xendit": "XENDIT_CALLBACK_TOKEN",
    "nicepay": "NICEPAY_MERCHANT_KEY",
    **{name: f"{name.upper()}_CALLBACK_SECRET" for name in ("tpg", "rent", "delivery", "shuttle")},
    **{name: f"{name.upper()}_WEBHOOK_SECRET" for name in ("alertmanager", "grafana", "pagerduty", "deploy")},
}


def published_secrets(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Senders whose secret is the default, which everybody can read in this file, and its variable."""
    return {
        source: name
        for source, name in WEBHOOK_SECRETS.items()
        if environ.get(name, "") in ("", _default_secret(source))
    }


def _default_secret(source: str) -> str:
    defaults = {
        "midtrans": gateways({})["midtrans"]["server_key"],
        "xendit": gateways({})["xendit"]["callback_token"],
        "nicepay": gateways({})["nicepay"]["merchant_key"],
        "tpg": tpg({})["callback_secret"],
        **{name: each["callback_secret"] for name, each in partners({}).items()},
        **alerts({}),
    }
    return defaults[source]


def tpg(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    return {"callback_secret": environ.get("TPG_CALLBACK_SECRET") or "sandbox-tpg-secret"}


def partners(environ: Mapping[str, str] = os.environ) -> dict[str, dict[str, str]]:
    return {
        name: {"callback_secret": environ.get(f"{name.upper()}_CALLBACK_SECRET") or f"sandbox-{name}-secret"}
        for name in ("rent", "delivery", "shuttle")
    }


def alerts(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What monitoring systems and pipelines prove themselves by: a bearer token, or the secret of their signatures."""
    names = ("alertmanager", "grafana", "pagerduty", "deploy")
    return {name: environ.get(f"{name.upper()}_WEBHOOK_SECRET") or f"sandbox-{name}-secret" for name in names}


def paging(environ: Mapping[str, str] = os.environ) -> dict[str, dict[str, Any]]:
    """Who is told of incidents, by which channel; the defaults only open the sandbox."""
    on_call = environ.get("ON_CALL_EMAILS", "on-call@example.com,platform-lead@example.com")
    waiting = environ.get("STAKEHOLDER_EMAILS", "stakeholders@example.com")
    return {
        "pagerduty": {"routing_key": environ.get("PAGERDUTY_ROUTING_KEY", "sandbox0routing0key0000000000000")},
        "slack": {
            "token": environ.get("SLACK_TOKEN", "xoxb-sandbox"),
            "channel": environ.get("SLACK_INCIDENT_CHANNEL", "#incidents"),
            "stakeholders": environ.get("SLACK_STAKEHOLDER_CHANNEL", "#platform-status"),
        },
        "mail": {
            "key": environ.get("MAIL_API_KEY", "SG.sandbox"),
            "from": environ.get("MAIL_FROM", "opsconsole@example.com"),
            "on_call": [each.strip() for each in on_call.split(",") if each.strip()],
            "stakeholders": [each.strip() for each in waiting.split(",") if each.strip()],
        },
    }


UPSTREAMS = upstreams()
BREAKERS = breakers()
GATEWAYS = gateways()
TPG = tpg()
PARTNERS = partners()
ALERTS = alerts()
PAGING = paging()
# Base address that gateways and partners call back to.
PUBLIC_URL = os.environ.get("OPSCONSOLE_URL", "http://127.0.0.1:8000").rstrip("/")
