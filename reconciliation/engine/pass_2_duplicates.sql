-- Duplicates inside the other book: the same line under the same name of theirs, once more. The first one goes on.
-- Two lines that merely look alike are no duplicates; they may be two payments.

WITH repeated AS (
    SELECT external_reference FROM pool
    WHERE book = 'theirs' AND external_reference <> '' AND status = 'settled' AND outcome IS NULL
    GROUP BY external_reference HAVING count(*) > 1
)
UPDATE pool p SET outcome = 'break', rule = 'duplicate'
FROM (
    SELECT id, row_number() OVER (
               PARTITION BY key, external_reference, kind, amount, currency
               ORDER BY occurred_at, reference, source, occurrence, id) AS nth
    FROM pool JOIN repeated USING (external_reference)
    WHERE book = 'theirs' AND status = 'settled' AND outcome IS NULL
) d
WHERE p.id = d.id AND d.nth > 1;

-- A line that was voided is no money. If it took back one that was settled, the last pass says so.
UPDATE pool SET outcome = 'excluded', rule = 'no_money' WHERE outcome IS NULL AND status <> 'settled';
