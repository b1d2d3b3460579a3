-- What looks settled and is not: seen only by looking at one book alone, over the whole order.

-- More went back than had come in.
UPDATE pool p SET outcome = 'break', rule = 'refund_exceeds_paid', stake = -n.held
FROM (
    SELECT key, currency, sum(amount) AS held FROM pool WHERE book = 'ours' AND key <> ''
    GROUP BY key, currency HAVING sum(amount) < 0 AND bool_or(kind = 'refund')
) n
WHERE p.book = 'ours' AND p.key = n.key AND p.currency = n.currency AND p.kind IN ('refund', 'reversal')
  AND p.outcome IS DISTINCT FROM 'excluded';

-- The same amount was charged more often than the order costs: after a fail-over, for example, when the first gateway had
-- taken the money after all. Each charge alone looks right. The later one is the one to give back.
UPDATE pool p SET outcome = 'break', rule = c.rule, stake = p.amount
FROM (
    SELECT p.id, p.key, p.currency,
           row_number() OVER (PARTITION BY p.key, p.currency, p.amount ORDER BY p.occurred_at, p.reference, p.id) AS nth,
           sum(p.amount) OVER (PARTITION BY p.key, p.currency ORDER BY p.occurred_at, p.reference, p.id) AS so_far,
           CASE WHEN min(p.source) OVER same = max(p.source) OVER same THEN 'duplicate_charge'
                ELSE 'duplicate_charge_across' END AS rule,
           n.price
    FROM pool p
    JOIN (SELECT s.key, s.currency, sum(s.amount) AS held, max(o.amount) AS price
          FROM pool s JOIN orders_order o ON o.public_id = s.order_reference AND o.currency = s.currency
          WHERE s.book = 'ours' AND s.key <> '' GROUP BY s.key, s.currency
          HAVING count(*) FILTER (WHERE s.kind = 'payment') > 1 AND sum(s.amount) > max(o.amount)) n
      ON n.key = p.key AND n.currency = p.currency
    WHERE %(pairing)s = 'ho' AND p.book = 'ours' AND p.kind = 'payment'
    WINDOW same AS (PARTITION BY p.key, p.currency, p.amount)
) c
WHERE p.id = c.id AND c.nth > 1 AND c.so_far > c.price;

-- A settled payment that the gateway voided in a later statement.
UPDATE pool p SET outcome = 'break', rule = 'late_reversal'
FROM pool v
WHERE %(pairing)s = 'gateway' AND v.book = 'theirs' AND v.status = 'void' AND p.status = 'settled' AND p.kind = 'payment'
  AND p.key <> '' AND p.key = v.key AND p.currency = v.currency AND p.amount = v.amount
  AND (p.book = 'ours' OR p.id < v.id)
  AND EXISTS (SELECT FROM pool s WHERE s.book = 'theirs' AND s.key = v.key AND s.status = 'settled' AND s.id < v.id
                                   AND s.amount = v.amount AND s.currency = v.currency);

-- What belonged together with a suspect goes with it.
UPDATE pool p SET outcome = 'break', rule = s.rule
FROM (SELECT DISTINCT ON (pair) pair, rule FROM pool
      WHERE outcome = 'break' AND pair IS NOT NULL AND rule IN (
          'refund_exceeds_paid', 'duplicate_charge', 'duplicate_charge_across', 'late_reversal')
      ORDER BY pair, rule) s
WHERE p.outcome = 'matched' AND p.pair = s.pair;
