"""What a mapping file may say."""

from pathlib import Path

import pytest

from orders.services.importing import MappingRefused, load_mapping


def test_without_a_file_the_usual_columns_are_known() -> None:
    mapping = load_mapping()
    assert mapping.orders.of["time:paid"] == "payment_approved_at"
    assert mapping.order_status["trip_completed"] == "completed"
    assert mapping.order_status["completed"] == "completed"
    assert mapping.methods["credit_card"] == "card"


def test_a_file_renames_what_it_names_and_leaves_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "mapping.toml"
    file.write_text(
        '[orders.columns]\nnomor = "order_id"\n'
        '[orders.times]\nlunas_pada = "paid"\n'
        '[orders.statuses]\nSELESAI = "completed"\n'
        '[payments.methods]\nKARTU = "card"\n'
        '[defaults]\nservice = "taxi"\ntime_zone = "Asia/Jakarta"\n'
    )
    mapping = load_mapping(file)
    assert mapping.orders.of["order_id"] == "nomor"
    assert mapping.orders.of["time:paid"] == "lunas_pada"
    assert mapping.orders.of["time:completed"] == "completed_at"
    assert mapping.order_status["selesai"] == "completed"
    assert mapping.methods["kartu"] == "card"
    assert mapping.defaults["service"] == "taxi"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[orders.columns]\nx = 'no_such_field'", "orders.columns.x"),
        ("[orders.times]\nx = 'teleported'", "orders.times.x"),
        ("[orders.statuses]\nX = 'paid_after_close'", "orders.statuses.X"),
        ("[orders.colums]\nx = 'order_id'", "orders.colums"),
        ("[defaults]\ncolour = 'red'", "defaults.colour"),
        ("[defaults]\nservice = 'rocket'", "defaults.service"),
        ("[defaults]\ntime_zone = 'Mars/Olympus'", "Mars/Olympus"),
        ("orders = 3", "orders"),
        ("[orders", "not TOML"),
    ],
)
def test_a_mistake_is_named_in_one_sentence(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "mapping.toml"
    file.write_text(text)
    with pytest.raises(MappingRefused, match=named):
        load_mapping(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MappingRefused, match=r"gone\.toml cannot be read"):
        load_mapping(tmp_path / "gone.toml")
