"""The bugs: each is a change of our own source, as exact text, made while a module is being imported.

The application has no seam for them. When the code moves on, the text is not found any more and a
test says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """In `module`, `old` becomes `new`; `old` is there exactly once."""

    module: str
    old: str
    new: str


# The 2xx is out before the message is stored: whatever ends the process in between takes the message along.
ACKNOWLEDGE_BEFORE_COMMIT = (
    Change("orders.webhooks", "import logging\n", "import logging\nimport threading\n"),
    Change(
        "orders.webhooks",
        "        callbacks.store(_message(source, raw, headers, verdict))\n",
        "        late = threading.Timer(3.0, callbacks.store, [_message(source, raw, headers, verdict)])\n"
        "        late.daemon = True\n"
        "        late.start()\n",
    ),
)

# What the message claims is believed; nobody asks the gateway.
TRUST_THE_BODY = (
    Change(
        "orders.services.judging",
        "    looks = inquiry.look_all(attempts)\n",
        "    looks = [_believed(each, by_attempt[each.pk][-1]) for each in attempts]\n",
    ),
    Change(
        "orders.services.judging",
        "def _write_hearings(",
        """def _believed(attempt: Attempt, event: InboundEvent) -> Look:
    from orders.clients.gateway import Status

    state = attempt_state(event.source, method=attempt.method, code=event.claim)
    said = Status(state, event.claim, attempt.amount, attempt.currency, None, attempt.reference)
    return Look(attempt, status=said)


def _write_hearings(""",
    ),
)

# Each try of a booking and of a refund has a key of its own, so that nobody can find it again.
FRESH_KEY_PER_TRY = (
    Change(
        "orders.services.booking",
        "idempotency_key=step.key)",
        'idempotency_key=f"{step.key}-{step.token}")',
    ),
    # Where it is sent, not where it is asked about.
    Change(
        "orders.services.refunds",
        "        reason=refund.reason or refund.cause,\n        idempotency_key=refund.key,\n",
        '        reason=refund.reason or refund.cause,\n        idempotency_key=f"{refund.key}-{refund.token}",\n',
    ),
)

# A refund is taken without a lease, and not marked before the call. Either alone costs nothing here: a
# marked row is not sent a second time, and a leased one is looked at by one worker.
NO_LEASE = (
    Change(
        "orders.leases",
        "    statement = _TAKE.format(free=free, table=options.db_table, columns=columns)\n",
        "    statement = _TAKE.format(free=free, table=options.db_table, columns=columns)\n"
        '    if model.__name__ == "Refund":\n'
        '        statement = statement.replace("token = t.token + 1, ", "").replace(" + %s", " - %s")\n',
    ),
    Change(
        "orders.leases",
        '    return rows.update(token=F("token") + 1, tries=F("tries") + 1, lease_until=until)\n',
        '    if rows.model.__name__ == "Refund":\n        return rows.update(tries=F("tries") + 1)\n'
        '    return rows.update(token=F("token") + 1, tries=F("tries") + 1, lease_until=until)\n',
    ),
    Change(
        "orders.services.refunds",
        '        hold(refund)\n        move(refund, RefundVerb.SEND, actor="worker")\n',
        "        hold(refund)\n",
    ),
    Change(
        "orders.services.refunds",
        '    hold(refund)\n    actor = f"gateway:{refund.attempt.gateway}"\n',
        "    refund.refresh_from_db()\n"
        "    if refund.state == RefundState.APPROVED:\n"
        '        move(refund, RefundVerb.SEND, actor="worker")\n'
        '    actor = f"gateway:{refund.attempt.gateway}"\n',
    ),
)

# Neither Python nor PostgreSQL asks whether there is such an edge.
NO_GUARD = (
    Change(
        "orders.services.placing",
        "        if by_customer and order.state not in CANCELLABLE_BY_CUSTOMER:\n",
        "        if by_customer and False:\n",
    ),
    Change(
        "orders.transitions",
        "    target = row.machine.target(row.state, verb)\n    if target is None:\n"
        "        raise IllegalEdge(subject=str(row), state=row.state, verb=verb)\n"
        "    act_as(actor, verb=verb, reason=reason, detail=detail)\n",
        "    target = row.machine.target(row.state, verb) or next(\n"
        "        end for (_source, by), end in row.machine.edges.items() if by == verb\n    )\n"
        "    act_as(actor, verb=verb, reason=reason, detail=detail)\n",
    ),
)
# The same in the trigger, as text of orders/sql/history.sql.
NO_GUARD_SQL = (
    "        PERFORM opsconsole_refuse_edge(of_machine, OLD.id, OLD.state, NEW.state);\n",
    "        by_verb := coalesce(wanted, 'forced');\n",
)

# Duplicates are found by what a message says, so a forged one pushes the genuine one aside.
POISONED_DEDUPE = (
    Change(
        "orders.services.callbacks",
        '        "digest": hashlib.sha256(message.raw).digest(),\n',
        '        "digest": hashlib.sha256(f"{message.reference} {message.claim}".encode()).digest(),\n',
    ),
    Change(
        "orders.services.callbacks",
        "        due_at = CASE WHEN e.state = 'quarantined' THEN e.due_at ELSE now() END\n",
        "        due_at = e.due_at\n",
    ),
)

BUGS: Mapping[str, Sequence[Change]] = {
    "acknowledge-before-commit": ACKNOWLEDGE_BEFORE_COMMIT,
    "trust-the-body": TRUST_THE_BODY,
    "fresh-key-per-try": FRESH_KEY_PER_TRY,
    "no-lease": NO_LEASE,
    "no-guard": NO_GUARD,
    "poisoned-dedupe": POISONED_DEDUPE,
}
