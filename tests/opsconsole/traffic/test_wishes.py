from collections import Counter

import pytest

from opsconsole.api.schemas.items import NewItem
from opsconsole.traffic.catalogue import FATES
from opsconsole.traffic.people import person, phone
from opsconsole.traffic.wishes import AMOUNTS, SERVICES, Leaning, Wish, wish
from orders.clients.codes import OFFERED, REFUNDABLE

MANY = 2_000


def wishes(count: int, *, seed: int = 5, leaning: Leaning | None = None) -> list[Wish]:
    return [
        wish(number, person=person(number, seed=seed), seed=seed, leaning=leaning or Leaning())
        for number in range(count)
    ]


def test_no_two_people_of_a_seed_share_a_phone() -> None:
    assert len({phone(number, seed=5) for number in range(20_000)}) == 20_000


def test_the_same_seed_makes_the_same_customers_and_wishes() -> None:
    assert wishes(50) == wishes(50)
    assert wishes(50) != wishes(50, seed=6)


def test_services_come_as_often_as_their_share_says() -> None:
    counted = Counter(each.lines[0].service for each in wishes(MANY))

    for service, share in SERVICES.items():
        assert counted[service] / MANY == pytest.approx(share / 100, abs=0.04)


@pytest.mark.parametrize("service", sorted(AMOUNTS))
def test_amounts_are_plausible(service: str) -> None:
    low, high, step = AMOUNTS[service]

    amounts = [each.lines[0].amount for each in wishes(200, leaning=Leaning(services=(service,), paired=False))]

    assert all(low <= amount <= high and amount % step == 0 for amount in amounts)
    assert len(set(amounts)) > 10


def test_a_wedding_costs_what_a_second_person_must_look_at(settings) -> None:
    for each in wishes(20, leaning=FATES["large_refund"].leaning):
        assert each.amount >= settings.SECOND_PERSON_FROM


def test_the_api_takes_every_item() -> None:
    for each in wishes(200):
        for line in each.lines:
            NewItem.model_validate_json(_body(line.service, line.details))


def _body(service: str, details: dict[str, object]) -> str:
    import json

    return json.dumps({"service": service, "details": details})


@pytest.mark.parametrize("name", ["driver_cancels", "partner_refuses", "refund_refused"])
def test_money_that_must_go_back_by_api_is_paid_in_a_way_that_can(name: str) -> None:
    for each in wishes(100, leaning=FATES[name].leaning):
        first = next(gateway for gateway in OFFERED if each.method in OFFERED[gateway])
        assert each.method in REFUNDABLE[first]


def test_money_that_must_go_back_by_hand_is_paid_in_a_way_that_no_gateway_refunds() -> None:
    for each in wishes(100, leaning=FATES["refund_by_hand"].leaning):
        assert not any(each.method in methods for methods in REFUNDABLE.values())
