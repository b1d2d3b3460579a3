-- From the staging table into the book. Lines that are the same in everything are numbered within the load; what the
-- book has under that number stays as it is. Sorted as the unique index is, so that it grows from one end of each page.

WITH named AS (
    SELECT s.*, hash_record_extended(ROW(kind, status, reference, external_reference, origin, occurred_at), 0) AS same
    FROM (SELECT *, coalesce(nullif(source, ''), %(source)s) COLLATE "C" AS origin FROM staged) s
),
numbered AS (
    SELECT n.*, row_number() OVER (PARTITION BY order_reference, currency, amount, same ORDER BY line) AS occurrence
    FROM named n
),
added AS (
    INSERT INTO reconciliation_entry (
        side, source, kind, reference, external_reference, order_reference, batch, amount, currency, method,
        occurred_at, business_date, status, occurrence, load_id, line)
    SELECT %(side)s, origin, kind, reference, external_reference, order_reference, batch, amount, currency, method,
           occurred_at, reconciliation_business_day(occurred_at, %(shift)s), status, occurrence, %(load)s,
           line
    FROM numbered
    ON CONFLICT (side, order_reference, currency, amount, mark) DO NOTHING
    RETURNING id, currency, amount
)
SELECT currency, count(*), sum(amount), min(id), max(id) FROM added GROUP BY currency ORDER BY currency;
