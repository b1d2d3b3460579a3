"""What must hold of an order whatever happened, and whether the neighbours' own books agree."""

from collections import Counter
from collections.abc import Iterable

from django.conf import settings
from django.db.models import F

from opsconsole.sandbox.remote import RemoteSandbox
from orders.models import Attempt, History, Order
from orders.queries.invariants import INVARIANTS, _of
from orders.services import ledger
from orders.services.verification.chains import check_rows
from orders.states import ATTEMPT_RANK, MACHINES, AttemptState
from tests.orders.history.tampering import rows_of

# What a gateway may do to an order, by paying, by taking back, by having refunded late money.
BY_GATEWAYS = {"pay", "pay_late", "reverse", "settle"}
SIGNS = {"charged": 1, "reversed": -1, "refunded": -1}


def check_invariants(order: Order) -> None:
    """What must hold of the order as it is now, and of everything that was ever told of it."""
    order = Order.objects.get(pk=order.pk)
    broken = [found for rule in INVARIANTS for found in _of(rule, ids=[order.pk], limit=10)]
    assert not broken, broken
    _check_history(order)
    _check_ownership(order)
    for attempt in order.attempts.all():
        _check_attempt(attempt)


def _check_history(order: Order) -> None:
    broken, _last, _known = check_rows(rows_of(order), key=settings.CHAIN_KEY)
    assert broken is None, broken
    state: dict[tuple[str, int], str] = {}
    for row in History.objects.filter(order_id=order.pk).exclude(source=F("target")).order_by("seq"):
        subject = (row.machine, row.subject_id)
        machine = MACHINES[row.machine]
        if row.machine != "inbound" or subject in state:
            assert row.source == state.get(subject, ""), row
        # Every step, out of a final state as well, is an edge with a name.
        assert not row.source or machine.edges[row.source, row.verb] == row.target, row
        if row.machine == "order" and row.actor.startswith("gateway:"):
            assert row.verb in BY_GATEWAYS, row
        state[subject] = row.target
    assert state["order", order.pk] == order.state, (state, order.state)


def _check_ownership(order: Order) -> None:
    """An attempt changes the order when it brings money, or when the money that it owns the order by goes back."""
    owner, last = 0, (0, "", "")
    moves = History.objects.filter(order_id=order.pk, machine__in=("order", "attempt")).exclude(source=F("target"))
    for row in moves.order_by("seq"):
        if row.machine == "attempt":
            last = (row.subject_id, row.verb, row.actor)
        elif row.verb in ("pay", "pay_late"):
            assert last[1:] == ("pay", row.actor), (row, last)
            owner = last[0]
        elif row.verb == "reverse":
            assert last == (owner, "reverse", row.actor), (row, last)


def _check_attempt(attempt: Attempt) -> None:
    told = History.objects.filter(order_id=attempt.order_id, machine="attempt", subject_id=attempt.pk)
    ranks = [ATTEMPT_RANK[row.target] for row in told.order_by("seq")]
    assert ranks == sorted(ranks), "late news went backwards"
    held = ledger.held(attempt)
    succeeded = attempt.refunds.filter(state="succeeded").values_list("cause", "amount")
    assert max(Counter(cause for cause, _amount in succeeded).values(), default=0) <= 1, "refunded twice for one cause"
    if held + sum(amount for _cause, amount in succeeded) > 0:
        assert attempt.state in (AttemptState.PAID, AttemptState.MISMATCH, AttemptState.DECLINED), attempt.state


def differences(control: RemoteSandbox, orders: Iterable[int]) -> dict[str, tuple[str, int, int]]:
    """Where our ledger says of an attempt otherwise than the gateways' own books: state, ours, theirs."""
    theirs: Counter[str] = Counter()
    for gateway in ("midtrans", "xendit", "nicepay"):
        for effect in control.books(gateway)["effects"]:
            theirs[effect["merchant_ref"]] += SIGNS[effect["effect"]] * effect["amount"]
    ours = {attempt: ledger.held(attempt) for attempt in Attempt.objects.filter(order__in=list(orders))}
    return {
        attempt.reference: (attempt.state, held, theirs[attempt.reference])
        for attempt, held in ours.items()
        if held != theirs[attempt.reference]
    }
