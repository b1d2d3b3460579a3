"""Files shaped like another platform's exports, and the real ones when they are at hand."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import pytest

from opsconsole.paths import PROJECT
from orders.services.importing import Summary, import_orders, load_mapping
from tests.orders.importing.files import ORDER_HEADER, PAYMENT_HEADER, write

Import: TypeAlias = Callable[..., Summary]


@pytest.fixture
def take_in(tmp_path: Path) -> Import:
    """Import the given lines below the usual headers."""

    def run(
        orders: Sequence[str] = (),
        payments: Sequence[str] = (),
        *,
        order_header: str = ORDER_HEADER,
        payment_header: str = PAYMENT_HEADER,
        mapping: str = "",
        currency: str = "BRL",
    ) -> Summary:
        files = {
            "orders.csv": [order_header, *orders],
            "payments.csv": [payment_header, *payments],
            "mapping.toml": [mapping],
        }
        written = write(tmp_path, files)
        return import_orders(
            orders=written["orders.csv"],
            payments=written["payments.csv"],
            mapping=load_mapping(written["mapping.toml"]),
            currency=currency,
        )

    return run


def olist_folder() -> Path | None:
    """The folder of the real shop's files, when somebody has them."""
    named = os.environ.get("OLIST_DIR")
    folder = Path(named) if named else PROJECT.parent / "shared" / "datasets" / "olist"
    return folder if (folder / "orders.csv").is_file() else None


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "olist: needs the real shop's files (OLIST_DIR)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without the files their tests are left out, and said so: see pytest_terminal_summary."""
    if olist_folder() is not None:
        return
    absent = [item for item in items if item.get_closest_marker("olist")]
    if absent:
        config.stash[_LEFT_OUT] = len(absent)
        config.hook.pytest_deselected(items=absent)
        items[:] = [item for item in items if item not in absent]


_LEFT_OUT = pytest.StashKey[int]()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    left_out = terminalreporter.config.stash.get(_LEFT_OUT, 0)
    if left_out:
        terminalreporter.write_line(
            f"LEFT OUT: {left_out} tests with a real shop's orders; set OLIST_DIR to their folder.",
            red=True,
            bold=True,
        )


@pytest.fixture
def olist() -> Path:
    folder = olist_folder()
    assert folder is not None
    return folder
