"""Rows of the order and payment state machines. No verbs here: see `orders.transitions`."""

from orders.models.action import OperatorAction
from orders.models.breaker import BreakerChange, BreakerOverride
from orders.models.cart import Cart
from orders.models.channel import ChannelToken, IdempotencyRecord, RateLimit
from orders.models.control import ActionSwitch, ResourceLock
from orders.models.delivery import DeadLetter, Receipt, Subscription
from orders.models.diagnosis import Diagnosis
from orders.models.history import Absence, ChainHead, Edge, Heartbeat, History, Outbox
from orders.models.hold import DispatchHold
from orders.models.inbound import InboundEvent
from orders.models.notice import Notice
from orders.models.order import Item, Order
from orders.models.pause import ChannelPause
from orders.models.payment import Attempt, LedgerEntry, Refund
from orders.models.posting import Posting
from orders.models.saga import DispatchEntry, Saga, Step, Trip
from orders.models.sample import StuckSample
from orders.models.setting import StuckLimit
from orders.models.watch import MoneyWatch

__all__ = [
    "Absence",
    "ActionSwitch",
    "Attempt",
    "BreakerChange",
    "BreakerOverride",
    "Cart",
    "ChainHead",
    "ChannelPause",
    "ChannelToken",
    "DeadLetter",
    "Diagnosis",
    "DispatchEntry",
    "DispatchHold",
    "Edge",
    "Heartbeat",
    "History",
    "IdempotencyRecord",
    "InboundEvent",
    "Item",
    "LedgerEntry",
    "MoneyWatch",
    "Notice",
    "OperatorAction",
    "Order",
    "Outbox",
    "Posting",
    "RateLimit",
    "Receipt",
    "Refund",
    "ResourceLock",
    "Saga",
    "Step",
    "StuckLimit",
    "StuckSample",
    "Subscription",
    "Trip",
]
