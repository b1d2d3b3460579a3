"""The state machines of orders and money: one edge table each.

This package is the only place where a state or an edge is named. The SQL table behind the trigger
(`orders/sql/history.sql`), the pictures in the docs and in the console, and the exhaustive tests are all derived from
`MACHINES`. See docs/adr/0002.
"""

from orders.states.machine import Edges, Machine
from orders.states.names import (
    AttemptState,
    AttemptVerb,
    Channel,
    DispatchState,
    DispatchVerb,
    InboundState,
    InboundVerb,
    LedgerKind,
    OrderState,
    OrderVerb,
    PostingState,
    PostingVerb,
    RefundState,
    RefundVerb,
    SagaState,
    SagaVerb,
    Service,
    StepState,
    StepVerb,
)
from orders.states.tables import (
    ATTEMPT,
    ATTEMPT_RANK,
    DISPATCH,
    INBOUND,
    MACHINES,
    OPEN_ORDER_STATES,
    ORDER,
    POSTING,
    REFUND,
    SAGA,
    STEP,
)

__all__ = [
    "ATTEMPT",
    "ATTEMPT_RANK",
    "DISPATCH",
    "INBOUND",
    "MACHINES",
    "OPEN_ORDER_STATES",
    "ORDER",
    "POSTING",
    "REFUND",
    "SAGA",
    "STEP",
    "AttemptState",
    "AttemptVerb",
    "Channel",
    "DispatchState",
    "DispatchVerb",
    "Edges",
    "InboundState",
    "InboundVerb",
    "LedgerKind",
    "Machine",
    "OrderState",
    "OrderVerb",
    "PostingState",
    "PostingVerb",
    "RefundState",
    "RefundVerb",
    "SagaState",
    "SagaVerb",
    "Service",
    "StepState",
    "StepVerb",
]
