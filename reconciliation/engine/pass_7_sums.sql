-- Sums of what is left of one order (or reference): one line against several, several against one, several against
-- several. And what cancels out in its own book (paid and given back before the other side was told) needs no counterpart.

WITH sums AS (
    SELECT key, currency,
           count(*) FILTER (WHERE book = 'ours') AS ours_lines, count(*) FILTER (WHERE book = 'theirs') AS theirs_lines,
           coalesce(sum(amount) FILTER (WHERE book = 'ours'), 0) AS ours_amount,
           coalesce(sum(amount) FILTER (WHERE book = 'theirs'), 0) AS theirs_amount
    FROM pool WHERE outcome IS NULL AND key <> ''
    GROUP BY key, currency
),
judged AS (
    SELECT key, currency,
           CASE
               WHEN ours_lines > 0 AND theirs_lines > 0 AND ours_amount = theirs_amount THEN 'group'
               WHEN ours_lines > 0 AND theirs_lines > 0 AND abs(ours_amount - theirs_amount)
                    <= greatest(w.absolute, floor(greatest(abs(ours_amount), abs(theirs_amount)) * w.percent / 10000))
                   THEN 'group_tolerance'
               WHEN ours_amount = 0 AND theirs_amount = 0 AND ours_lines + theirs_lines > 1 THEN 'nets_to_zero'
           END AS rule
    FROM sums JOIN tolerance w USING (currency)
)
UPDATE pool p SET outcome = 'matched', rule = j.rule, pair = concat('k', j.key, '|', j.currency)
FROM judged j
WHERE j.rule IS NOT NULL AND p.outcome IS NULL AND p.key = j.key AND p.currency = j.currency;
