-- Where a later file says otherwise than an earlier one. What was told first stays.

INSERT INTO import_remark (order_id, at, detail)
SELECT s.order_id, now(), jsonb_build_object(
           'kind', 'import_contradicts', 'field', field.name,
           'had', s.had -> field.name, 'says', s.says -> field.name)
FROM import_order s JOIN orders_order o ON o.id = s.order_id
CROSS JOIN LATERAL jsonb_object_keys(s.had) AS field (name)
WHERE s.batch = %(batch)s AND s.had IS NOT NULL AND s.had <> s.says
  AND s.had -> field.name IS DISTINCT FROM s.says -> field.name
  AND (field.name <> 'status' OR o.state <> s.status);

INSERT INTO import_remark (order_id, at, detail)
SELECT a.order_id, now(), jsonb_build_object(
           'kind', 'import_contradicts', 'field', 'payment ' || p.payment_id,
           'had', jsonb_build_object('amount', a.amount, 'currency', a.currency, 'status', a.state),
           'says', jsonb_build_object('amount', p.amount, 'currency', p.currency, 'status', p.status))
FROM import_payment p JOIN orders_attempt a ON a.id = p.attempt_id
WHERE p.batch = %(batch)s AND p.refused IS NULL AND NOT p.is_new
  AND (a.amount, a.currency, a.state) IS DISTINCT FROM (p.amount, p.currency, p.status);
