-- From the staging table into the book. Lines that are the same in everything are numbered within the load; what the
-- book has under that number stays as it is. Sorted as the index is, so that it grows at one end of each page.

WITH numbered AS (
    SELECT s.*, coalesce(nullif(source, ''), %(source)s) AS origin,
           row_number() OVER (
               PARTITION BY order_reference, currency, kind, amount, status, reference, external_reference,
                            coalesce(nullif(source, ''), %(source)s), occurred_at
               ORDER BY line) AS occurrence
    FROM staged s
),
added AS (
    INSERT INTO reconciliation_entry (
        side, source, kind, reference, external_reference, order_reference, batch, amount, currency, method,
        occurred_at, business_date, status, occurrence, load_id, line)
    SELECT %(side)s, origin, kind, reference, external_reference, order_reference, batch, amount, currency, method,
           occurred_at, reconciliation_business_day(occurred_at, %(shift)s), status, occurrence, %(load)s,
           line
    FROM numbered
    ON CONFLICT (side, order_reference, currency, kind, amount, status, reference, external_reference, source,
                 occurred_at, occurrence) DO NOTHING
    RETURNING id, currency, amount
)
SELECT currency, count(*), sum(amount), min(id), max(id) FROM added GROUP BY currency ORDER BY currency;
