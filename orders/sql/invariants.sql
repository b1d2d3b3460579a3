-- What must always hold of orders and money. Each view lists the orders where it does not, with one
-- sentence. Written per order, so that a check of the orders of the last minutes reads only those
-- (`orders/queries/invariants.py`). Imported orders keep what other platforms did: they have a view
-- of their own.

CREATE OR REPLACE FUNCTION opsconsole_held(of_order bigint) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(amount), 0)::bigint FROM orders_ledgerentry WHERE order_id = of_order
$$;

CREATE OR REPLACE FUNCTION opsconsole_saga_lives(of_order bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM orders_saga WHERE order_id = of_order
                   AND state IN ('running', 'compensating', 'needs_hand'))
$$;

-- Somebody's task: money on its way back, money that does not fit, a saga that is not over, an action
-- somebody asked for.
CREATE OR REPLACE FUNCTION opsconsole_has_task(of_order bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT opsconsole_saga_lives(of_order)
        OR EXISTS (SELECT FROM orders_refund WHERE order_id = of_order
                   AND state IN ('requested', 'approved', 'sent', 'unknown', 'failed'))
        OR EXISTS (SELECT FROM orders_attempt WHERE order_id = of_order AND state = 'mismatch')
        OR EXISTS (SELECT FROM orders_operatoraction WHERE order_id = of_order
                   AND status IN ('awaiting_approval', 'queued', 'running'))
$$;

CREATE OR REPLACE VIEW invariant_paid_is_handled AS
SELECT o.id AS order_id, 'closed as ' || o.state || ' with ' || opsconsole_held(o.id) || ' '
       || o.currency || ' of the customer, and nobody gives it back' AS what
FROM orders_order o
WHERE o.origin = 'platform' AND o.state IN ('cancelled', 'expired', 'failed')
  AND opsconsole_held(o.id) > 0 AND NOT opsconsole_has_task(o.id)
UNION ALL
SELECT o.id, o.state || ' with ' || opsconsole_held(o.id) || ' ' || o.currency || ' paid'
FROM orders_order o
WHERE o.origin = 'platform' AND o.state IN ('created', 'awaiting_payment') AND opsconsole_held(o.id) > 0
  AND NOT EXISTS (SELECT FROM orders_attempt a WHERE a.order_id = o.id AND a.state = 'mismatch')
UNION ALL
SELECT o.id, o.state || ', and no booking is under way'
FROM orders_order o
WHERE o.origin = 'platform' AND o.state IN ('paid', 'booking', 'queued_for_dispatch')
  AND NOT opsconsole_saga_lives(o.id);

CREATE OR REPLACE VIEW invariant_refunds_within_charges AS
SELECT o.id AS order_id, 'more went back than was charged: ' || opsconsole_held(o.id) || ' ' || o.currency AS what
FROM orders_order o WHERE opsconsole_held(o.id) < 0
UNION ALL
-- What a bank takes back while a refund is under way does not count: the gateway will refuse the refund.
SELECT a.order_id, a.reference || ': ' || back.amount || ' on its way back, ' || here.amount || ' held'
FROM orders_attempt a
CROSS JOIN LATERAL (SELECT coalesce(sum(l.amount), 0) AS amount
                    FROM orders_ledgerentry l WHERE l.attempt_id = a.id AND l.kind <> 'reversed') here
CROSS JOIN LATERAL (SELECT coalesce(sum(r.amount), 0) AS amount FROM orders_refund r
                    WHERE r.attempt_id = a.id
                      AND r.state IN ('requested', 'approved', 'sent', 'unknown', 'failed')) back
WHERE here.amount < back.amount;

CREATE OR REPLACE VIEW invariant_one_refund_per_cause AS
SELECT r.order_id, 'refunded twice for ' || r.cause AS what
FROM orders_refund r
WHERE r.state = 'succeeded' AND EXISTS (
    SELECT FROM orders_refund earlier
    WHERE earlier.attempt_id = r.attempt_id AND earlier.cause = r.cause
      AND earlier.state = 'succeeded' AND earlier.id < r.id);

CREATE OR REPLACE VIEW invariant_one_live_saga AS
SELECT g.order_id, 'two live sagas of kind ' || g.kind AS what
FROM orders_saga g
WHERE g.state IN ('running', 'compensating', 'needs_hand') AND EXISTS (
    SELECT FROM orders_saga earlier
    WHERE earlier.order_id = g.order_id AND earlier.kind = g.kind AND earlier.id < g.id
      AND earlier.state IN ('running', 'compensating', 'needs_hand'));

CREATE OR REPLACE VIEW invariant_history_without_gap AS
SELECT h.order_id, 'the chain has ' || rows.count || ' rows, its head says ' || h.seq AS what
FROM orders_chainhead h
CROSS JOIN LATERAL (SELECT count(*) AS count, coalesce(max(seq), 0) AS last
                    FROM orders_history WHERE order_id = h.order_id) rows
WHERE rows.count <> h.seq OR rows.last <> h.seq;

CREATE OR REPLACE VIEW invariant_one_currency AS
SELECT o.id AS order_id, 'in ' || o.currency || ', with money in ' || l.currency AS what
FROM orders_order o JOIN orders_ledgerentry l ON l.order_id = o.id
WHERE l.currency <> o.currency;

CREATE OR REPLACE VIEW invariant_completed_is_posted AS
SELECT o.id AS order_id, 'completed with ' || opsconsole_held(o.id) || ' ' || o.currency
       || ', and Head Office is not to be told' AS what
FROM orders_order o
WHERE o.origin = 'platform' AND o.state = 'completed' AND opsconsole_held(o.id) > 0
  AND NOT EXISTS (SELECT FROM orders_posting p WHERE p.order_id = o.id AND p.kind = 'payment');

CREATE OR REPLACE VIEW invariant_paid_was_charged AS
SELECT o.id AS order_id, o.state || ', and nothing was ever charged' AS what
FROM orders_order o
WHERE o.origin = 'platform' AND o.amount > 0
  AND o.state IN ('paid', 'booking', 'queued_for_dispatch', 'active', 'completed', 'paid_after_close')
  AND NOT EXISTS (SELECT FROM orders_ledgerentry l WHERE l.order_id = o.id AND l.kind = 'charged');

CREATE OR REPLACE VIEW invariant_imported_refund_owed AS
SELECT o.id AS order_id, 'imported as ' || o.state || ' with ' || opsconsole_held(o.id) || ' '
       || o.currency || ' paid' AS what
FROM orders_order o
WHERE o.origin = 'import' AND o.state IN ('cancelled', 'expired', 'failed')
  AND opsconsole_held(o.id) > 0 AND NOT opsconsole_has_task(o.id);
