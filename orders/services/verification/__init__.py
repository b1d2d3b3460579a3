"""Whether the history is what was written: chains, heads, states and anchors. See docs/history.md."""

from orders.services.verification.anchors import AnchorFiles, anchor_heads
from orders.services.verification.breaks import Break, Kind
from orders.services.verification.checking import Verdict, verify_history

__all__ = ["AnchorFiles", "Break", "Kind", "Verdict", "anchor_heads", "verify_history"]
