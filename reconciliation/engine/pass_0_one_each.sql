-- First pass. A key with exactly one line in each book, both plain payments of the same amount and currency, is settled
-- here and now: whichever later pass proved it, it would be the same two lines. Both books come in key order from a
-- covering index, are grouped while they stream by and merged; nothing is sorted or hashed but what stays open.
-- Settled lines are only summed up: the books themselves say that they match.

INSERT INTO first_pass
WITH o AS (
    SELECT key, currency, count(*) AS lines, count(*) FILTER (WHERE kind = 'payment' AND status = 'settled') AS plain,
           max(amount) AS amount, max(business_date) AS day
    FROM ours GROUP BY key, currency
),
t AS (
    SELECT key, currency, count(*) AS lines, count(*) FILTER (WHERE kind = 'payment' AND status = 'settled') AS plain,
           count(*) FILTER (WHERE status = 'void') AS voided, max(amount) AS amount, max(business_date) AS day
    FROM theirs GROUP BY key, currency
),
judged AS (
    SELECT coalesce(o.key, t.key) AS key, coalesce(o.currency, t.currency) AS currency,
           coalesce(o.lines, 0) AS ours_lines, coalesce(t.lines, 0) AS theirs_lines,
           coalesce(o.amount, 0) AS ours_amount, coalesce(t.amount, 0) AS theirs_amount,
           CASE
               WHEN coalesce(o.key, t.key) = '' THEN 'open'
               WHEN o.lines = 1 AND t.lines = 1 AND o.plain = 1 AND t.plain = 1 AND o.amount = t.amount
                   THEN CASE WHEN o.day = t.day THEN 'exact' ELSE 'exact_timing' END
               WHEN o.key IS NULL AND t.lines = 1 AND t.voided = 1 THEN 'no_money'
               ELSE 'open'
           END AS verdict
    FROM o FULL JOIN t ON o.key = t.key AND o.currency = t.currency
)
SELECT CASE WHEN verdict = 'open' THEN key END, currency, verdict, sum(ours_lines), sum(theirs_lines),
       sum(ours_amount), sum(theirs_amount)
FROM judged GROUP BY 1, currency, verdict;
