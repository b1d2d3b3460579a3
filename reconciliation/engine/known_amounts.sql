-- How the sums of a staged load compare with what we know the same payments to be: for up to %(most)s of them, how
-- many times as much the file says, and of how many payments. Factors that are no power of ten are "other".

WITH theirs AS (
    SELECT coalesce(nullif(reference, ''), order_reference) AS key, currency, sum(amount) AS amount
    FROM staged
    WHERE kind = 'payment' AND status = 'settled' AND (reference <> '' OR order_reference <> '')
    GROUP BY 1, 2
    LIMIT %(most)s
),
known AS (
    SELECT t.amount AS theirs, a.amount AS ours
    FROM theirs t JOIN orders_attempt a ON a.reference = t.key AND a.currency = t.currency
    UNION ALL
    SELECT t.amount, p.amount
    FROM theirs t JOIN orders_posting p ON p.reference = t.key AND p.currency = t.currency
    UNION ALL
    SELECT t.amount, o.amount
    FROM theirs t JOIN orders_order o ON o.public_id = t.key AND o.currency = t.currency
    WHERE o.amount > 0
)
SELECT CASE
           WHEN theirs = ours THEN '1'
           WHEN theirs = ours * 10 THEN '10'
           WHEN theirs = ours * 100 THEN '100'
           WHEN theirs = ours * 1000 THEN '1000'
           WHEN theirs * 10 = ours THEN '1/10'
           WHEN theirs * 100 = ours THEN '1/100'
           WHEN theirs * 1000 = ours THEN '1/1000'
           ELSE 'other'
       END AS factor, count(*)
FROM known
GROUP BY 1
ORDER BY 2 DESC, 1;
