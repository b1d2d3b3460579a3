"""Messages of monitoring systems as they send them, proved as they prove them."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from orders.services import work

T0 = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)


def alert(name: str = "TPGDown", *, status: str = "firing", at: datetime = T0, **labels: str) -> dict[str, Any]:
    """One alert of Alertmanager or Grafana."""
    given = {"alertname": name, "service": "tpg", "severity": "critical", **labels}
    print_ = hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:16]
    ended = (at + timedelta(minutes=7)).isoformat() if status == "resolved" else "0001-01-01T00:00:00Z"
    return {
        "status": status,
        "labels": given,
        "annotations": {"summary": f"{name} on {given['service']}"},
        "startsAt": at.isoformat(),
        "endsAt": ended,
        "generatorURL": "http://prometheus/graph",
        "fingerprint": print_,
    }


def alertmanager(*alerts: dict[str, Any], **more: Any) -> HttpResponse:
    body = {
        "version": "4",
        "groupKey": '{}:{alertname="x"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "opsconsole",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager",
        "alerts": list(alerts),
        **more,
    }
    return post("alertmanager", json.dumps(body).encode(), Authorization=f"Bearer {settings.ALERTS['alertmanager']}")


def grafana(*alerts: dict[str, Any], timestamp: str = "") -> HttpResponse:
    body = json.dumps({"version": "1", "orgId": 1, "receiver": "ops", "title": "x", "alerts": list(alerts)}).encode()
    signed = f"{timestamp}:".encode() + body if timestamp else body
    headers = {"X-Grafana-Alerting-Signature": sign("grafana", signed)}
    return post("grafana", body, **headers, **({"X-Grafana-Alerting-Timestamp": timestamp} if timestamp else {}))


def pagerduty(kind: str, *, at: datetime = T0, key: str = "", **data: Any) -> HttpResponse:
    incident = {
        "id": "PGR0VU2",
        "type": "incident",
        "html_url": "https://acme.pagerduty.com/incidents/PGR0VU2",
        "incident_key": key or "d3640fbd41094207a1c11e58e46b1662",
        "created_at": T0.isoformat(),
        "status": "triggered",
        "title": "Database is down",
        "service": {"id": "PF9KMXH", "summary": "postgresql", "type": "service_reference"},
        "urgency": "high",
        **data,
    }
    event = {
        "id": f"01{kind}{at:%H%M%S}",
        "event_type": kind,
        "resource_type": "incident",
        "occurred_at": at.isoformat(),
    }
    event |= {"agent": {"summary": "Tenex Engineer", "type": "user_reference"}, "data": incident}
    body = json.dumps({"event": event}).encode()
    old = "v1=" + "0" * 64
    return post("pagerduty", body, **{"X-PagerDuty-Signature": f"{old},v1={sign('pagerduty', body)}"})


def sign(source: str, body: bytes) -> str:
    return hmac.new(settings.ALERTS[source].encode(), body, hashlib.sha256).hexdigest()


def post(source: str, body: bytes, **headers: str) -> HttpResponse:
    return Client().post(f"/callbacks/alerts/{source}", body, content_type="application/json", headers=headers)


def judge() -> int:
    """What a worker, or the ticker, does with what was stored."""
    return work.drain("alert", longest=5.0)
