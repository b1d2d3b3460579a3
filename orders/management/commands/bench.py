"""`manage.py bench NAME`: measure, and print ratios to a baseline of the same run."""

import importlib
import json
import pkgutil
from argparse import ArgumentParser, Namespace
from typing import Any

from django.core.management.base import BaseCommand

from orders import bench

PARTS = {"applying", "bare", "http_client", "report"}


def names() -> list[str]:
    """The benchmarks there are."""
    return sorted({module.name for module in pkgutil.iter_modules(bench.__path__)} - PARTS)


class Command(BaseCommand):
    help = "Run a benchmark; its figures are ratios to a baseline measured in the same run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        benches = parser.add_subparsers(dest="name", required=True, metavar="NAME")
        for name in names():
            module = importlib.import_module(f"orders.bench.{name}")
            one = benches.add_parser(name, help=(module.__doc__ or "").splitlines()[0])
            one.add_argument("--json", action="store_true", help="print one JSON object")
            if hasattr(module, "add_arguments"):
                module.add_arguments(one)

    def handle(self, **options: Any) -> None:
        module = importlib.import_module(f"orders.bench.{options['name']}")
        report = module.run(Namespace(**options))
        self.stdout.write(json.dumps(report.as_json()) if options.get("json") else report.as_text())
