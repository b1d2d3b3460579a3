-- Why a payment is not at Head Office, from what we know of telling it: was it ever due, sent, refused, left unanswered?
-- Figures and names in an error are cut out, so that one cause reads the same for every order.

UPDATE found_break b SET cause = left(CASE
    WHEN o.id IS NULL THEN 'order unknown'
    WHEN p.id IS NULL THEN 'never due: order ' || o.state
    WHEN p.state = 'recorded' THEN 'recorded, not in the book'
    WHEN p.last_error = '' THEN 'posting ' || p.state
    ELSE 'posting ' || p.state || ': ' || regexp_replace(p.last_error, '[A-Z]{2,}-[A-Z0-9-]+|[0-9]+', '#', 'g')
    END, 120)
FROM found_break f
LEFT JOIN orders_order o ON o.public_id = f.order_reference
LEFT JOIN LATERAL (
    SELECT * FROM orders_posting p WHERE p.order_id = o.id
    ORDER BY (p.kind = 'refund') = (f.type = 'refund_missing_in_ho') DESC, p.id DESC LIMIT 1) p ON true
WHERE b.identity = f.identity AND f.type IN ('missing_in_ho', 'refund_missing_in_ho');
