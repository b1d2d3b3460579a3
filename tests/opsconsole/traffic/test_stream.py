"""The stream through the real API, against the real sandbox."""

import pytest

from opsconsole.sandbox import Sandbox
from opsconsole.traffic.catalogue import FATES
from opsconsole.traffic.stream import CALM_DAY, Stream
from opsconsole.traffic.tokens import kept_tokens, traffic_tokens
from orders.models import ChannelToken, Order
from orders.services import tokens
from tests.sandbox_fixtures import neighbours, receiver, sandbox  # noqa: F401


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path) -> None:
    """Tokens of one test are nothing to another."""
    settings.DATA_DIR = tmp_path


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("neighbours")
def test_customers_order_through_the_api_and_pay_at_the_gateway(sandbox: Sandbox, live_server) -> None:  # noqa: F811
    stream = Stream(
        url=live_server.url,
        sandbox_url=sandbox.control_url,
        tokens=traffic_tokens,
        per_minute=6_000,
        most=3,
        shares={"plain": 1},
        thinking=(0, 0),
    )

    stream.run()

    orders = list(Order.objects.order_by("pk"))
    assert stream.placed == len(orders) == 3
    assert all(order.state == "awaiting_payment" for order in orders)
    charged = [sandbox.world.books.effects(name) for name in ("midtrans", "xendit")]
    assert sorted(effect["order_ref"] for effects in charged for effect in effects) == sorted(
        order.public_id for order in orders
    )


@pytest.mark.django_db(transaction=True)
def test_a_stream_that_is_stopped_before_there_are_tokens_ends() -> None:
    stream = Stream("http://127.0.0.1:9", "http://127.0.0.1:9", tokens=dict, per_minute=60)
    with stream:
        pass

    assert stream.placed == 0


def test_a_calm_day_knows_its_fates_and_mostly_nothing_hangs() -> None:
    hanging = sum(share for name, share in CALM_DAY.items() if FATES[name].hangs)

    assert sum(CALM_DAY.values()) == 1_000
    assert 0 < hanging < 50


@pytest.mark.django_db
def test_tokens_are_made_once_and_kept_for_their_owner_only(settings) -> None:
    made = traffic_tokens()

    assert traffic_tokens() == made == kept_tokens()
    assert ChannelToken.objects.count() == 3
    assert (settings.DATA_DIR / "traffic-tokens.json").stat().st_mode & 0o077 == 0


@pytest.mark.django_db
def test_a_token_that_was_revoked_is_made_anew() -> None:
    made = traffic_tokens()
    revoked = tokens.holder(made["app"])
    assert revoked is not None
    tokens.revoke(revoked, actor="user:admin")

    anew = traffic_tokens()

    assert anew["app"] != made["app"]
    assert anew["web"] == made["web"]
