-- The median payment of a staged load beside that of the last load into the same book, per currency.

WITH staged_median AS (
    SELECT currency, count(*) AS lines, percentile_disc(0.5) WITHIN GROUP (ORDER BY amount) AS median
    FROM staged
    WHERE kind = 'payment' AND status = 'settled'
    GROUP BY currency
),
last_load AS (
    SELECT currency, amount
    FROM reconciliation_entry
    WHERE id BETWEEN %(first)s AND %(last)s AND kind = 'payment' AND status = 'settled'
    LIMIT 20000
),
usual AS (
    SELECT currency, count(*) AS lines, percentile_disc(0.5) WITHIN GROUP (ORDER BY amount) AS median
    FROM last_load
    GROUP BY currency
)
SELECT s.currency, s.lines, s.median, u.lines, u.median FROM staged_median s JOIN usual u USING (currency);
