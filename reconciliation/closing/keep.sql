-- What the steps are made of, kept as the items of day %(day)s: the largest of each step first.

INSERT INTO reconciliation_dayitem (day_id, gateway, currency, book, step, name, amount, entries, found, carried_from)
SELECT %(day)s, gateway, currency, book, step, left(name, 80), amount, entries, found, carried_from
FROM day_item ORDER BY book, step, abs(amount) DESC, name, entries;
