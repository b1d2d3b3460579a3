-- What may still come is not missing. A line of ours is due in the other book when its order is finished (Head Office is
-- told then), at the latest %(open_order)s after the payment; at a gateway it is due at once. Where the other book is not
-- complete up to then, or not complete at all, the whole key waits, but no longer than %(patience)s: what a feed has
-- not covered by then is missing whatever the feed says.

WITH due AS (
    SELECT p.grp, p.currency,
           CASE
               WHEN %(pairing)s = 'gateway' OR o.id IS NULL THEN p.occurred_at
               WHEN o.state = ANY(%(open_states)s) THEN p.occurred_at + %(open_order)s
               ELSE greatest(p.occurred_at, o.entered_at)
           END AS due_at,
           p.occurred_at, c.complete_up_to
    FROM pool p
    LEFT JOIN coverage c ON c.source = CASE WHEN %(pairing)s = 'gateway' THEN p.source ELSE 'ho' END
    LEFT JOIN orders_order o ON o.public_id = p.order_reference
    WHERE p.book = 'ours' AND p.outcome IS NULL AND p.occurred_at > %(now)s - %(patience)s
),
waiting AS (
    SELECT grp, currency, bool_or(complete_up_to IS NULL OR occurred_at >= complete_up_to) AS is_uncovered
    FROM due WHERE complete_up_to IS NULL OR due_at >= complete_up_to
    GROUP BY grp, currency
)
UPDATE pool p SET outcome = 'expected', rule = CASE WHEN w.is_uncovered THEN 'coverage' ELSE 'order_open' END
FROM waiting w WHERE p.outcome IS NULL AND p.grp = w.grp AND p.currency = w.currency;
