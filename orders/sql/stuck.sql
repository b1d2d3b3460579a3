-- Partial indexes behind the stuck list: a state's rows, oldest first; what has ended takes no room.
-- Orders by state and age have theirs in orders/models/order.py (order_open_age).

CREATE INDEX IF NOT EXISTS attempt_unfit_age ON orders_attempt (state, entered_at, id)
    WHERE state = 'mismatch';
CREATE INDEX IF NOT EXISTS saga_hand_age ON orders_saga (state, entered_at, id)
    WHERE state IN ('compensating', 'needs_hand');

-- Age by birth: what is tried again enters its state anew each time, and would never be old.
CREATE INDEX IF NOT EXISTS dispatch_live_birth ON orders_dispatchentry (state, created_at, id)
    WHERE state IN ('claimed', 'sending', 'waiting');
CREATE INDEX IF NOT EXISTS refund_open_birth ON orders_refund (state, created_at, id)
    WHERE state IN ('approved', 'failed', 'requested', 'sent', 'unknown');
CREATE INDEX IF NOT EXISTS posting_open_birth ON orders_posting (state, created_at, id)
    WHERE state IN ('due', 'rejected', 'sent', 'unknown');
