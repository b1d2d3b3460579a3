"""`manage.py bench NAME`: measure, and print ratios to a baseline of the same run."""

import importlib
import json
import pkgutil
from argparse import ArgumentParser, Namespace
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand

PARTS = {"applying", "bare", "books", "fill", "http_client", "own_broker", "processor", "report", "running"}


def modules() -> dict[str, str]:
    """The benchmarks of every app by their names: `stuck` → `orders.bench.stuck`."""
    packages = [f"{app.name}.bench" for app in apps.get_app_configs() if find_spec(f"{app.name}.bench")]
    found = {
        module.name: f"{package}.{module.name}"
        for package in packages
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__)
    }
    return {name: found[name] for name in sorted(found.keys() - PARTS)}


class Command(BaseCommand):
    help = "Run a benchmark; its figures are ratios to a baseline measured in the same run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        benches = parser.add_subparsers(dest="name", required=True, metavar="NAME")
        for name, path in modules().items():
            module = importlib.import_module(path)
            one = benches.add_parser(name, help=(module.__doc__ or "").splitlines()[0])
            one.add_argument("--json", action="store_true", help="print one JSON object")
            if hasattr(module, "add_arguments"):
                module.add_arguments(one)

    def handle(self, **options: Any) -> None:
        module = importlib.import_module(modules()[options["name"]])
        report = module.run(Namespace(**options))
        self.stdout.write(json.dumps(report.as_json()) if options.get("json") else report.as_text())
