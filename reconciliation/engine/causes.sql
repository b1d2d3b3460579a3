-- The breaks as they are now. What is at stake: the difference, or where none can be said, the money itself. And why a payment
-- is not at Head Office, from what we know of telling it: was it ever due, sent, refused, left unanswered? Figures and names
-- in an error are cut out, so that one cause reads the same for every order.

CREATE TEMP TABLE found_break ON COMMIT DROP AS
WITH judged AS (
    SELECT *, type IN ('currency_differs', 'ambiguous') AS is_incomparable,
           type IN ('missing_in_ho', 'refund_missing_in_ho') AS is_untold, type = 'payout_differs' AS is_payout,
           type = 'fee_differs' AS is_fee
    FROM drafted_break
)
SELECT j.identity, j.grp, j.key, j.type, j.currency, j.order_reference, j.reference, j.source,
       CASE WHEN is_fee THEN j.source ELSE j.gateway END AS gateway, j.method, j.ours,
       j.theirs, j.occurred_at, j.business_date,
       -- A payout stands in the books below zero; what the batch adds up to is no line of either, and nor is the agreed fee.
       CASE WHEN is_payout THEN -theirs_amount - stake WHEN is_fee THEN theirs_amount - stake ELSE ours_amount END AS ours_amount,
       CASE WHEN is_payout THEN -theirs_amount ELSE theirs_amount END AS theirs_amount,
       CASE WHEN is_payout OR is_fee THEN stake WHEN is_incomparable THEN 0 ELSE theirs_amount - ours_amount END AS difference,
       CASE WHEN stake <> 0 THEN abs(stake)
            WHEN is_incomparable OR type IN ('status_differs', 'late_reversal') OR theirs_amount = ours_amount
                THEN greatest(abs(ours_amount), abs(theirs_amount))
            ELSE abs(theirs_amount - ours_amount) END AS exposure,
       CASE WHEN is_untold THEN left(CASE
           WHEN o.id IS NULL THEN 'order unknown'
           WHEN p.id IS NULL THEN 'never due: order ' || o.state
           WHEN p.state = 'recorded' THEN 'recorded, not in the book'
           WHEN p.last_error = '' THEN 'posting ' || p.state
           ELSE 'posting ' || p.state || ': ' || regexp_replace(p.last_error, '[A-Z]{2,}-[A-Z0-9-]+|[0-9]+', '#', 'g')
           END, 120) ELSE '' END AS cause
FROM judged j
LEFT JOIN orders_order o ON is_untold AND o.public_id = j.order_reference
LEFT JOIN LATERAL (
    SELECT * FROM orders_posting p WHERE p.order_id = o.id
    ORDER BY (p.kind = 'refund') = (j.type = 'refund_missing_in_ho') DESC, p.id DESC LIMIT 1) p ON true
UNION ALL
-- Rows of files that nobody could read: one break a load, until a person has seen to it or the load is read again.
SELECT concat('load~', l.id, '|', l.id), concat('load~', l.id), '', 'invalid_row', coalesce(nullif(l.currency, ''), 'IDR'), '', '',
       f.source, '', '', NULL, NULL, l.started_at, reconciliation_business_day(l.started_at, '0'), 0, 0, 0, 0,
       left(concat(l.quarantined, ' rows of ', l.name), 120)
FROM reconciliation_load l JOIN reconciliation_feed f ON f.id = l.feed_id
WHERE l.state = 'loaded' AND l.quarantined > 0 AND f.side = CASE %(pairing)s WHEN 'ho' THEN 'ho' ELSE 'gateway' END;
