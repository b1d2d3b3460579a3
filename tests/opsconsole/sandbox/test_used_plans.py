from pathlib import Path

from opsconsole.sandbox.world import World
from tests.sandbox_fixtures import SECRETS

ONCE = {"on": "post", "do": "reject", "neighbour": "ho", "times": 1}


def world(store: Path) -> World:
    return World(SECRETS, "http://127.0.0.1:9", store)


def takes(of: World) -> bool:
    return of.plans.take(["MRG-1"], neighbour="ho", on="post") is not None


def test_what_a_plan_has_used_up_stays_used_up_after_a_restart(tmp_path: Path) -> None:
    store = tmp_path / "books.sqlite3"
    first = world(store)
    first.set_plan("MRG-1", [ONCE])
    assert takes(first)
    first.books.close()

    second = world(store)

    assert not takes(second)
    second.books.close()


def test_what_a_plan_has_not_used_yet_is_there_after_a_restart(tmp_path: Path) -> None:
    store = tmp_path / "books.sqlite3"
    first = world(store)
    first.set_plan("MRG-1", [ONCE, {"on": "post", "do": "error"}])
    first.books.close()

    second = world(store)

    assert second.plans.as_json("MRG-1")["MRG-1"] == first.plans.as_json("MRG-1")["MRG-1"]
    second.books.close()
