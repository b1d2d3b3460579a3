-- The breaks as they are now. What is at stake: the difference, or where none can be said, the money itself. And why a payment
-- is not at Head Office, from what we know of telling it: was it ever due, sent, refused, left unanswered? Figures and names
-- in an error are cut out, so that one cause reads the same for every order.

CREATE TEMP TABLE found_break ON COMMIT DROP AS
WITH judged AS (
    SELECT *, type IN ('currency_differs', 'ambiguous') AS is_incomparable,
           type IN ('missing_in_ho', 'refund_missing_in_ho') AS is_untold
    FROM drafted_break
)
SELECT j.*, CASE WHEN is_incomparable THEN 0 ELSE theirs_amount - ours_amount END AS difference,
       CASE WHEN stake > 0 THEN stake
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
    ORDER BY (p.kind = 'refund') = (j.type = 'refund_missing_in_ho') DESC, p.id DESC LIMIT 1) p ON true;
