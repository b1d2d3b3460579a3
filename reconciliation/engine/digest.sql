-- One number for everything the passes left in the pool, by content and in no order: the sum of a hash of each line.

SELECT coalesce(sum(hashtextextended(concat_ws('~', book, key, currency, kind, amount, status, source, reference,
           external_reference, order_reference, batch, method, extract(epoch FROM occurred_at), occurrence, outcome, rule,
           CASE WHEN rule = 'ambiguous' THEN grp END), 0)::numeric), 0)::text
FROM pool;
