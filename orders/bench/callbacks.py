"""How many payment callbacks are verified, stored and answered a second, and applied in batches.

Accepting is compared with the same storing statement sent by pgbench from as many connections, without
HTTP, signature or framework; applying with the bare inquiries, because no callback may be applied
without one. The second part makes orders, which stay: run it on a scratch database.
"""

import argparse
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.conf import settings

from orders.bench import applying, processor
from orders.bench.bare import REFERENCE, bare_rates, database_url
from orders.bench.http_client import Answers, post, send_all
from orders.bench.report import Report, quantile
from orders.models import InboundEvent

HOST = "127.0.0.1"
CLIENT = "the client that sends"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--callbacks", type=int, default=4000, help="how many are sent; a quarter as many are applied")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--web-workers", type=int, default=2, help="as many workers apply")
    parser.add_argument("--threads", type=int, default=4)


def run(args: argparse.Namespace) -> Report:
    """Measure how fast callbacks are accepted, then how fast they are applied."""
    report = Report(f"bench callbacks: {args.callbacks} callbacks, {args.clients} clients")
    try:
        rates = bare_rates(args.callbacks, clients=args.clients, body=_body(uuid.uuid4().hex))
        for how, rate in rates.items():
            report.add("the bare statement, stored", rate, "/s", note=f"by {how}")
        with _web(args.web_workers, args.threads) as (port, web):
            _send(port, min(500, args.callbacks), clients=args.clients)  # warm-up
            who = {"the web": [web], CLIENT: []}
            used, own = processor.used(who), time.process_time()
            answers = _send(port, args.callbacks, clients=args.clients)
            spent = processor.since(used, {**processor.used(who), CLIENT: time.process_time() - own})
        _tell(report, answers, rates)
        report.tell_processor("processor of one accepted", spent, count=args.callbacks)
    finally:
        _clean()
    second = applying.measure(report, count=max(8, args.callbacks // 4), workers=args.web_workers)
    report.add("asked, as a share of accepted", second.asked / answers.rate, "", note="no applying can be faster")
    report.add("applied, as a share of accepted", second.applied / answers.rate, "", note="1 or more: no backlog grows")
    return report


def _tell(report: Report, answers: Answers, rates: Mapping[str, float]) -> None:
    for how, bare in rates.items():
        name, note = "callbacks verified, stored, answered", f"of {how}"
        report.add(name, answers.rate, "/s", ratio=answers.rate / bare, note=note)
    for share in (0.5, 0.95, 0.99):
        report.add(f"answer time, p{share * 100:.0f}", quantile(answers.seconds, share) * 1000, "ms")
    others = {status: count for status, count in answers.statuses.items() if status != 200}
    report.add("answers other than 200", sum(others.values()), "", note=str(others or ""))


def _body(unique: str) -> bytes:
    """A Midtrans notification as they send it, rightly signed."""
    key = settings.GATEWAYS["midtrans"]["server_key"]
    signed = f"{REFERENCE}200150000.00{key}"
    return json.dumps(
        {
            "transaction_time": "2026-11-20 10:00:00",
            "transaction_status": "settlement",
            "transaction_id": unique,
            "status_code": "200",
            "signature_key": hashlib.sha512(signed.encode()).hexdigest(),
            "order_id": REFERENCE,
            "merchant_id": settings.GATEWAYS["midtrans"]["merchant_id"],
            "gross_amount": "150000.00",
            "fraud_status": "accept",
            "currency": "IDR",
        }
    ).encode()


def _send(port: int, count: int, *, clients: int) -> Answers:
    headers = {"Content-Type": "application/json"}
    requests = [post("/callbacks/midtrans", _body(uuid.uuid4().hex), headers, host=HOST) for _number in range(count)]
    return send_all(requests, host=HOST, port=port, clients=clients)


@contextmanager
def _web(workers: int, threads: int) -> Iterator[tuple[int, int]]:
    """The web process as in production, on a free port; the port and the process id."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "manage.py", "serve", "--port", str(port)]
    command += ["--workers", str(workers), "--threads", str(threads)]
    environ = {**os.environ, "DATABASE_URL": database_url(), "LOG_LEVEL": "WARNING"}
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as web:
        try:
            _wait_for(port)
            yield port, web.pid
        finally:
            web.terminate()


def _wait_for(port: int) -> None:
    for _try in range(300):
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the web process did not start")


def _clean() -> None:
    InboundEvent.objects.filter(reference=REFERENCE).delete()
