-- By the payment reference: the name that we gave to the payment, same kind, amount and currency.
-- The n-th such line of one book belongs to the n-th of the other, so none is used twice.

WITH shared AS (
    SELECT reference, kind, amount, currency FROM pool WHERE outcome IS NULL AND book = 'ours' AND reference <> ''
    INTERSECT
    SELECT reference, kind, amount, currency FROM pool WHERE outcome IS NULL AND book = 'theirs'
),
numbered AS (
    SELECT id, book, reference, kind, amount, currency, row_number() OVER (
               PARTITION BY book, reference, kind, amount, currency
               ORDER BY occurred_at, order_reference, external_reference, source, occurrence, id) AS nth
    FROM pool JOIN shared USING (reference, kind, amount, currency) WHERE outcome IS NULL
),
pairs AS (
    SELECT o.id AS ours, t.id AS theirs
    FROM numbered o JOIN numbered t USING (reference, kind, amount, currency, nth)
    WHERE o.book = 'ours' AND t.book = 'theirs'
),
both_lines AS (
    SELECT ours AS id, ours AS pair FROM pairs UNION ALL SELECT theirs, ours FROM pairs
)
UPDATE pool p SET outcome = 'matched', rule = 'reference', pair = b.pair
FROM both_lines b WHERE p.id = b.id;
