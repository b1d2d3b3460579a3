"""When which accident happens: decided before the run, the same for the same seed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

# How long each lasts, in seconds of a run of a minute or longer; shorter runs have shorter accidents. 0: a blow.
LENGTHS: dict[str, float] = {
    "kill worker": 0,
    "kill web": 0,
    "kill relay": 0,
    "kill consumer": 0,
    "kill ticker": 0,
    "redis empty": 0,
    "redis dark": 4,
    "postgres cut": 10,
    "postgres dark": 5,
    "postgres slow": 5,
    "commit answers lost": 0,
    "gateway slow": 8,
    "gateway late": 8,
    "gateway answers lost": 8,
    "gateway down": 6,
    "partner late": 8,
    "partner answers lost": 8,
    "partner down": 6,
    "ho answers lost": 8,
    "breaker forced open": 6,
    "breaker forced closed": 6,
    "forged callbacks": 0,
}
# Only where there is a RabbitMQ; a broker that is a stream of Redis has Redis' accidents.
BROKER_LENGTHS: dict[str, float] = {"broker cut": 8, "broker dark": 6}
# A storm of callbacks: somebody dies every other second, and the database is cut off and killed.
STORM: tuple[tuple[str, float, float], ...] = (  # name, when (share of the time), how long (seconds)
    ("commit answers lost", 0.10, 0),
    ("redis empty", 0.16, 0),
    ("postgres cut", 0.24, 10),
    ("postgres narrow", 0.36, 8),
    ("commit answers lost", 0.45, 0),
    ("postgres slow", 0.50, 5),
    ("failover", 0.62, 0),
    ("redis narrow", 0.70, 6),
    ("redis empty", 0.80, 0),
    ("commit answers lost", 0.85, 0),
)
STORM_KILLS = ("kill worker", "kill worker", "kill web", "kill relay", "kill consumer", "kill ticker")
STORM_KILL_EVERY = 2.0
# One accident each so many seconds, besides the workers that are killed all the time.
PACE = 4.0
KILL_EVERY = 6.0
WHOLE = 60.0
# The first moments are the customers', the last ones are for what is still under way.
BEGIN, END = 0.05, 0.92


@dataclass(frozen=True, slots=True)
class Accident:
    """`at` and `lasts` are seconds; `pick` in [0, 1) chooses whom it hits among those there are."""

    at: float
    name: str
    lasts: float
    pick: float


def schedule(*, seed: int, seconds: float, with_broker: bool = False) -> Sequence[Accident]:
    """Every kind at least once, however short the run is; in the order of their beginning."""
    dice = Random(f"chaos {seed}")  # noqa: S311 - the same again, not secret
    lengths = {**LENGTHS, **(BROKER_LENGTHS if with_broker else {})}
    return sorted((*_deck(dice, seconds, lengths), *_kills(dice, seconds)), key=lambda each: each.at)


def storm(*, seed: int, seconds: float, with_replica: bool) -> Sequence[Accident]:
    """What happens during a storm of callbacks, in the order of its beginning."""
    dice = Random(f"storm {seed}")  # noqa: S311 - the same again, not secret
    shorter = min(1.0, seconds / WHOLE)
    blows = [
        Accident(share * seconds, name, lasts * shorter, dice.random())
        for name, share, lasts in STORM
        if with_replica or name != "failover"
    ]
    count = int(seconds * END / STORM_KILL_EVERY)
    kills = [
        Accident((place + 0.5) * STORM_KILL_EVERY, dice.choice(STORM_KILLS), 0, dice.random()) for place in range(count)
    ]
    return sorted((*blows, *kills), key=lambda each: each.at)


def _deck(dice: Random, seconds: float, lengths: Mapping[str, float]) -> Iterator[Accident]:
    wanted = max(len(lengths), round(seconds / PACE))
    names: list[str] = []
    while len(names) < wanted:
        names += dice.sample(sorted(lengths), len(lengths))
    room = (END - BEGIN) * seconds
    shorter = min(1.0, seconds / WHOLE)
    for place, name in enumerate(names[:wanted]):
        at = BEGIN * seconds + room * (place + dice.random()) / wanted
        lasts = min(lengths[name] * shorter, seconds - at)
        yield Accident(at, name, lasts, dice.random())


def _kills(dice: Random, seconds: float) -> Iterator[Accident]:
    at = KILL_EVERY * dice.random()
    while at < seconds * END:
        yield Accident(at, "kill worker", 0, dice.random())
        at += KILL_EVERY * (0.5 + dice.random())
