-- The bridge: each book's total, what the gateway's is made of, and the steps between the books.

SELECT gateway, currency, 'gateway' AS book,
       CASE kind WHEN 'payment' THEN 'gross' WHEN 'refund' THEN 'refunds' WHEN 'fee' THEN 'fees' ELSE 'reversals' END AS step,
       count(*) AS lines, sum(amount)::bigint AS amount
FROM day_line WHERE side = 'gateway' GROUP BY 1, 2, 4
UNION ALL
SELECT gateway, currency, side, 'total', count(*), sum(amount)::bigint FROM day_line GROUP BY gateway, currency, side
UNION ALL
SELECT gateway, currency, book, step, count(*), sum(effect)::bigint FROM day_step
WHERE step IN ('fees_kept', 'no_report', 'not_compared') GROUP BY gateway, currency, book, step
UNION ALL
SELECT gateway, currency, book, step, count(*), sum(amount)::bigint FROM day_item GROUP BY gateway, currency, book, step
ORDER BY 1, 2, 3, 4;
