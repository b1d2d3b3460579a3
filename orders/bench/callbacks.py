"""How many payment callbacks are verified, stored and answered a second, and judged in batches.

Baseline: the same storing statement, by PostgreSQL's own driver from as many connections, without
HTTP, signature or framework. Needs the sandbox's secrets (the default settings); its rows are made
in the database it is given and removed afterwards.
"""

import argparse
import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.conf import settings
from django.db import connection

from orders.bench.http_client import Answers, post, send_all
from orders.bench.report import Report, quantile
from orders.models import InboundEvent
from orders.services.callbacks import STORE

HOST = "127.0.0.1"
REFERENCE = "BENCH"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--callbacks", type=int, default=4000)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--web-workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=4)


def run(args: argparse.Namespace) -> Report:
    """Measure; the database is left as it was found."""
    report = Report(f"bench callbacks: {args.callbacks} callbacks, {args.clients} clients")
    try:
        bare = _bare(args.callbacks, clients=args.clients)
        report.add("the bare statement, stored", bare, "/s", ratio=1.0, note="baseline")
        with _web(args.web_workers, args.threads) as port:
            _send(port, min(500, args.callbacks), clients=args.clients)  # warm-up
            answers = _send(port, args.callbacks, clients=args.clients)
        _tell(report, answers, bare=bare)
    finally:
        _clean()
    return report


def _tell(report: Report, answers: Answers, *, bare: float) -> None:
    report.add("callbacks verified, stored, answered", answers.rate, "/s", ratio=answers.rate / bare)
    for share in (0.5, 0.95, 0.99):
        report.add(f"answer time, p{share * 100:.0f}", quantile(answers.seconds, share) * 1000, "ms")
    others = {status: count for status, count in answers.statuses.items() if status != 200}
    report.add("answers other than 200", sum(others.values()), "", note=str(others or ""))


def _bare(count: int, *, clients: int) -> float:
    """Rows a second by the same statement from `clients` connections of psycopg."""
    dsn = _dsn()
    each = count // clients

    def work() -> None:
        with psycopg.connect(dsn, autocommit=True, cursor_factory=psycopg.ClientCursor) as own:
            for _number in range(each):
                own.execute(STORE, _values())

    threads = [threading.Thread(target=work) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return clients * each / (time.perf_counter() - began)


def _values() -> dict[str, object]:
    raw = _body(uuid.uuid4().hex)
    return {
        "source": "midtrans",
        "digest": hashlib.sha256(raw).digest(),
        "raw": raw,
        "headers": "{}",
        "reference": REFERENCE,
        "claim": "settlement/accept/200",
        "occurred_at": None,
        "verdict": "",
        "state": "stored",
        "attempt": REFERENCE,
        "order": "",
    }


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
def _web(workers: int, threads: int) -> Iterator[int]:
    """The web process as in production, on a free port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "manage.py", "serve", "--port", str(port)]
    command += ["--workers", str(workers), "--threads", str(threads)]
    environ = {**os.environ, "LOG_LEVEL": "WARNING"}
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as web:
        try:
            _wait_for(port)
            yield port
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


def _dsn() -> str:
    parameters = connection.get_connection_params()
    wanted = {name: parameters[name] for name in ("dbname", "user", "password", "host", "port") if name in parameters}
    return psycopg.conninfo.make_conninfo(**{name: value for name, value in wanted.items() if value})


def _clean() -> None:
    InboundEvent.objects.filter(reference=REFERENCE).delete()
