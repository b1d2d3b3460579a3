-- Sums of what is left of one order (or reference): one line against several, several against one, several against
-- several. And what cancels out in its own book (paid and given back before the other side was told) needs no counterpart.

WITH sums AS (
    SELECT key, currency, min(id) AS pair,
           sum(amount) FILTER (WHERE book = 'ours') AS ours_amount, sum(amount) FILTER (WHERE book = 'theirs') AS theirs_amount
    FROM pool WHERE outcome IS NULL AND key <> ''
    GROUP BY key, currency
    HAVING count(*) > 1
),
-- Judged before the lines are looked up: a sum that is none, because its book has no such line, is no sum of nought.
judged AS MATERIALIZED (
    SELECT key, currency, pair,
           CASE
               WHEN ours_amount = theirs_amount THEN 'group'
               WHEN abs(ours_amount - theirs_amount)
                    <= greatest(w.absolute, floor(greatest(abs(ours_amount), abs(theirs_amount)) * w.percent / 10000))
                   THEN 'group_tolerance'
               WHEN coalesce(ours_amount, 0) = 0 AND coalesce(theirs_amount, 0) = 0 THEN 'nets_to_zero'
           END AS rule
    FROM sums JOIN tolerance w USING (currency)
)
UPDATE pool p SET outcome = 'matched', rule = j.rule, pair = j.pair
FROM judged j
WHERE j.rule IS NOT NULL AND p.outcome IS NULL AND p.key = j.key AND p.currency = j.currency;
