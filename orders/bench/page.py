"""How long the list pages take on the server, against the bare query behind the stuck list.

Orders are made as for `bench stuck`, with every index of the product (--rows 0: the database as it is). Signs in
as a superuser of its own, who is removed afterwards.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client

from orders.bench import stuck
from orders.bench.report import Report, median, quantile
from orders.queries.stuck.lists import fetch, page_statement

PAGES = (
    "/", "/orders/stuck/", "/orders/stuck/causes/", "/orders/", "/orders/?state=completed&service=taxi",
    "/search/?q=Siti", "/search/?q=%2B62811", "/orders/dispatch/", "/orders/links/", "/orders/money/",
    "/orders/needs-hand/", "/approvals/", "/dead-letters/", "/runbooks/", "/reconciliation/", "/reconciliation/loads/",
)  # fmt: skip
NAME = "bench-page"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    stuck.add_row_arguments(parser, rows=100_000)
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--page", action="append", help="an address; may be given several times")


def run(args: argparse.Namespace) -> Report:
    """Measure every page, the first two requests left out."""
    title = f"bench page: {args.rows:,} orders, {args.times} requests each, one at a time"
    with stuck.filled(args, filling=stuck.Filling.with_every_index()) if args.rows else nullcontext():
        return _measured(args, title)


def _measured(args: argparse.Namespace, title: str) -> Report:
    report = Report(title)
    # Pages name their files by the manifest, which `prepare` makes in a deployment.
    call_command("collectstatic", interactive=False, verbosity=0)
    bare = _measure(lambda: fetch(*page_statement()), times=args.times)
    report.add(
        "bare query of the stuck list, median", median(bare) * 1000, "ms", ratio=1.0, note="baseline, planned anew"
    )
    user = get_user_model().objects.create_superuser(NAME)
    try:
        client = Client(headers={"host": "localhost"})
        client.force_login(user)
        for page in args.page or PAGES:
            _tell(report, page, _measure(partial(_get, client, page), times=args.times), bare=median(bare))
    finally:
        user.delete()
    return report


def _measure(work: Callable[[], object], *, times: int) -> Sequence[float]:
    took = []
    for _number in range(times + 2):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return took[2:]


def _get(client: Client, page: str) -> None:
    response = client.get(page)
    if response.status_code != 200:
        raise RuntimeError(f"{page} answered {response.status_code}")


def _tell(report: Report, page: str, took: Sequence[float], *, bare: float) -> None:
    note = f"p95 {quantile(took, 0.95) * 1000:.1f} ms"
    report.add(page, median(took) * 1000, "ms", ratio=median(took) / bare, note=note)
