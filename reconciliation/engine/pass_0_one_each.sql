-- First pass, over the keys from %(low)s up to %(high)s (no bound where NULL). A key with exactly one line in each book, both
-- plain payments of the same amount and currency, is settled here and now: whichever later pass proved it, it would be the
-- same two lines. Both books come in key order from a covering index, are grouped while they stream by and merged; nothing
-- is sorted or hashed but what stays open. Settled lines are only summed up: the books themselves say that they match.
-- Of a key with one line the largest is the line's own; 0 counts as a settled payment, 2 as a void one.

WITH o AS (
    SELECT key, currency, count(*) AS lines, max(counts_as) AS counts_as, max(amount) AS amount, max(business_date) AS day
    FROM ours WHERE (%(low)s IS NULL OR key >= %(low)s) AND (%(high)s IS NULL OR key < %(high)s)
    GROUP BY key, currency
),
t AS (
    SELECT key, currency, count(*) AS lines, max(counts_as) AS counts_as, max(amount) AS amount, max(business_date) AS day
    FROM theirs WHERE (%(low)s IS NULL OR key >= %(low)s) AND (%(high)s IS NULL OR key < %(high)s)
    GROUP BY key, currency
),
judged AS (
    SELECT coalesce(o.key, t.key) AS key, coalesce(o.currency, t.currency) AS currency,
           o.lines AS ours_lines, t.lines AS theirs_lines, o.amount AS ours_amount, t.amount AS theirs_amount,
           CASE
               WHEN o.lines = 1 AND t.lines = 1 AND o.counts_as = 0 AND t.counts_as = 0 AND o.amount = t.amount AND o.key <> ''
                   THEN CASE WHEN o.day = t.day THEN 'exact' ELSE 'exact_timing' END
               WHEN o.key IS NULL AND t.lines = 1 AND t.counts_as = 2 AND t.key <> '' THEN 'no_money'
               ELSE 'open'
           END AS verdict
    FROM o FULL JOIN t ON o.key = t.key AND o.currency = t.currency
)
SELECT CASE WHEN verdict = 'open' THEN key END AS key, currency, verdict,
       coalesce(sum(ours_lines), 0) AS ours_lines, coalesce(sum(theirs_lines), 0) AS theirs_lines,
       coalesce(sum(ours_amount), 0) AS ours_amount, coalesce(sum(theirs_amount), 0) AS theirs_amount
FROM judged GROUP BY 1, currency, verdict
