"""The little world that `run` shows: people, tokens, days gone by, and fresh orders of every kind."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from opsconsole.console.demo_users import ensure_demo_users
from opsconsole.runner.ports import taken_ports
from opsconsole.sandbox.books import Books
from opsconsole.sandbox.remote import RemoteSandbox
from opsconsole.scenarios import books, limits, past
from opsconsole.scenarios.local import local_platform
from opsconsole.scenarios.run import control_url
from opsconsole.scenarios.seeing import DatabaseEyes, cancel_as_staff, make_link_as_staff
from opsconsole.traffic.agenda import Agenda
from opsconsole.traffic.catalogue import FATES, ODD_MONEY
from opsconsole.traffic.fates import Fate
from opsconsole.traffic.journeys import Guide, Journey
from opsconsole.traffic.people import person
from opsconsole.traffic.shops import DirectShop
from opsconsole.traffic.tokens import traffic_tokens
from opsconsole.traffic.wishes import wish
from orders.models import Order
from orders.queries.money_queues import Case, money_totals
from orders.queries.stuck import all_stuck
from orders.resilience import breaker
from orders.services import breakers

SEED = 41
PAST_SEED = 40
PAST_ORDERS = 240
# Fresh orders: one of each fate that hangs or whose money is odd, and so many others.
OTHERS = {"plain": 34, "cancels": 5, "driver_cancels": 2, "callback_doubled": 2, "link_elsewhere": 4}
# What only a person can move is stuck at once; these take a few seconds to get there.
LONGEST_WAYS = (
    *("paid_twice", "taken_back", "ho_refuses", "refund_refused", "refund_by_hand", "undo_refused", "paid_late"),
    "paid_over",
)
STUCK_AT_ONCE = {"order", "saga", "refund", "posting"}
# The queues of odd money that have something in them from the first screen on.
ODD_AT_ONCE = {Case.LATE, Case.TWICE, Case.OVER, Case.REVERSED, Case.REFUND_FAILED}
MORE_HANGING = {"trip_end_lost": 2, "callback_lost": 1, "ho_refuses": 1}
STORE = "sandbox.sqlite3"
SPEED = 1500.0  # simulated seconds a second
HANDS = 6
LONGEST = 18.0  # seconds; what is not done by then goes on in the processes of `run`
LOOK_EVERY = 0.5


@dataclass(frozen=True, slots=True)
class Loaded:
    people: int
    past: int
    fresh: int
    seconds: float


def load(say: Callable[[str], None], *, longest: float = LONGEST, today: bool = True) -> Loaded:
    """Make what is missing of the demo, fresh orders in `longest` seconds; none where not `today`. NotADemoError where
    settings.DEMO is off."""
    began = time.monotonic()
    people = len(ensure_demo_users())
    traffic_tokens()
    limits.shorten_for_demo()
    before = _past()
    if before:
        say(f"{before} orders of the last days")
    with _books_before_it_runs() as sandbox:
        books.fill(say, sandbox=sandbox)
    fresh = 0 if not today or _is_loaded() else _order_afresh(say, longest=longest)
    return Loaded(people, before, fresh, round(time.monotonic() - began, 1))


def _past() -> int:
    """Once only: a second import would have other times."""
    if Order.objects.filter(public_id__startswith=past.PREFIX).exists():
        return 0
    return past.take_in(PAST_ORDERS, seed=PAST_SEED).new


def _is_loaded() -> bool:
    return Order.objects.filter(origin=Order.Origin.PLATFORM).exists()


def journeys() -> list[Journey]:
    """Those that take longest to hang come first."""
    asking = [name for name, fate in FATES.items() if fate.hangs or fate in ODD_MONEY]
    names = sorted(asking, key=lambda name: name not in LONGEST_WAYS)
    names += [name for name, count in (MORE_HANGING | OTHERS).items() for _each in range(count)]
    return [_journey(number, FATES[name]) for number, name in enumerate(names)]


def _journey(number: int, fate: Fate) -> Journey:
    who = person(number, seed=SEED)
    return Journey(wish(number, person=who, seed=SEED, leaning=fate.leaning), fate)


def _order_afresh(say: Callable[[str], None], *, longest: float) -> int:
    led = journeys()
    with _platform() as sandbox, Agenda(hands=HANDS) as agenda:
        sandbox.plans({each.wish.person.phone: each.fate.by_phone for each in led if each.fate.by_phone})
        guide = Guide(
            DirectShop(since=timezone.now()),
            sandbox,
            agenda,
            DatabaseEyes(),
            cancel_as_staff,
            staff_makes_link=make_link_as_staff,
        )
        for journey in led:
            guide.begin(journey)
        _wait(agenda, longest)
    say(f"{guide.placed} fresh orders")
    return guide.placed


@contextmanager
def _platform() -> Iterator[RemoteSandbox]:
    """The one that runs, or one of our own until the processes start."""
    with ExitStack() as stack:
        if not taken_ports([settings.SANDBOX_PORT]):
            stack.callback(_forget_failures)
            stack.enter_context(local_platform(port_base=settings.SANDBOX_PORT, store=_store(), speed=SPEED))
        yield stack.enter_context(RemoteSandbox(control_url()))


def _forget_failures() -> None:
    """What is to hang was ordered within seconds. So many failures among so few calls say nothing of a neighbour."""
    for state in breaker.states().values():
        if state.failures:
            breakers.reset(state.name, reason="the orders of the demo were placed all at once", actor="policy:demo")


def _store() -> Path:
    return Path(settings.DATA_DIR) / STORE


@contextmanager
def _books_before_it_runs() -> Iterator[Books | None]:
    """The sandbox's own books, new for a new database; None where the sandbox runs or the books are filled already.

    Books that know orders of a database that is gone would answer for its successors.
    """
    if books.is_filled() or taken_ports([settings.SANDBOX_PORT]):
        yield None
        return
    for suffix in ("", "-wal", "-shm"):
        Path(f"{_store()}{suffix}").unlink(missing_ok=True)
    with closing(Books(_store())) as sandbox:
        yield sandbox


def _wait(agenda: Agenda, longest: float) -> None:
    """Until the first screen has something of everything, or the time is over."""
    until = time.monotonic() + longest
    pause = threading.Event()
    while time.monotonic() < until and (agenda.size or not _is_alive()):
        pause.wait(LOOK_EVERY)


def _is_alive() -> bool:
    if not odd_money() >= ODD_AT_ONCE:
        return False
    fresh = Order.Origin.PLATFORM
    return {row.machine for rows in all_stuck() for row in rows if row.origin == fresh} >= STUCK_AT_ONCE


def odd_money() -> set[Case]:
    """The queues of odd money that are not empty."""
    return {case for case, total in money_totals().items() if total.count}
