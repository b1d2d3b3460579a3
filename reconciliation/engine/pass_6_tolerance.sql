-- By the order (or reference), amount within tolerance, where one line of that kind is left in each book. Both bounds count
-- as within; the larger of the absolute and the relative one holds. Several lines are a matter of sums, below.

WITH singles AS (
    SELECT key, kind, currency,
           max(id) FILTER (WHERE book = 'ours') AS ours, max(id) FILTER (WHERE book = 'theirs') AS theirs,
           sum(amount) FILTER (WHERE book = 'ours') AS ours_amount, sum(amount) FILTER (WHERE book = 'theirs') AS theirs_amount
    FROM pool WHERE outcome IS NULL AND key <> ''
    GROUP BY key, kind, currency
    HAVING count(*) = 2 AND count(*) FILTER (WHERE book = 'ours') = 1
),
pairs AS (
    SELECT ours, theirs FROM singles JOIN tolerance w USING (currency)
    WHERE abs(ours_amount - theirs_amount)
          <= greatest(w.absolute, floor(greatest(abs(ours_amount), abs(theirs_amount)) * w.percent / 10000))
),
both_lines AS (
    SELECT ours AS id, ours AS pair FROM pairs UNION ALL SELECT theirs, ours FROM pairs
)
UPDATE pool p SET outcome = 'matched', rule = 'tolerance', pair = b.pair
FROM both_lines b WHERE p.id = b.id;
