from typing import Any

from opsconsole.scenarios.accidents import OUTAGES, WORKERS_DIE, Accidents


class Switches:
    """A sandbox of which only the switches are touched."""

    def __init__(self) -> None:
        self.down: list[tuple[str, bool]] = []

    def faults(self, neighbour: str, *, down: bool) -> Any:
        self.down.append((neighbour, down))


def accidents(switches: Switches, killed: list[str]) -> Accidents:
    return Accidents(
        switches,  # type: ignore[arg-type]
        dry_seconds=0.0,
        kill_workers=lambda: killed.append("killed"),
        say=lambda text: None,
    )


def test_every_outage_begins_and_ends_once() -> None:
    switches = Switches()
    one = accidents(switches, [])

    for step in range(101):
        one.look(step / 100)

    assert switches.down == [(outage.neighbour, down) for outage in OUTAGES for down in (True, False)]


def test_a_run_that_is_over_early_leaves_no_neighbour_away() -> None:
    switches = Switches()
    one = accidents(switches, [])
    one.look((OUTAGES[0].begins + OUTAGES[0].ends) / 2)

    one.end()

    assert switches.down == [(OUTAGES[0].neighbour, True), (OUTAGES[0].neighbour, False)]


def test_the_workers_are_killed_once() -> None:
    killed: list[str] = []
    one = accidents(Switches(), killed)

    for progress in (0.1, WORKERS_DIE, 1.0):
        one.look(progress)

    assert killed == ["killed"]
