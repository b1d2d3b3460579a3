-- Which step of the bridge each line belongs to. A line stands in the way to our ledger, in the way to Head Office, or (one
-- of ours) in both: `effect` is what it adds there. What is matched has no step of its own; it is looked at by units below.

CREATE TEMP TABLE day_step ON COMMIT DROP AS
WITH standing AS (
    SELECT 'to_ours' AS book, 'gateway' AS pairing, l.*, payment_key AS key,
           CASE side WHEN 'ours' THEN amount ELSE -amount END AS effect
    FROM day_line l WHERE side IN ('ours', 'gateway')
    UNION ALL
    SELECT 'to_ho', 'ho', l.*, order_key, CASE side WHEN 'ours' THEN -amount ELSE amount END
    FROM day_line l WHERE side IN ('ours', 'ho')
),
dates AS MATERIALIZED (
    SELECT %(day)s::date AS business_date UNION SELECT carried_from FROM day_line WHERE carried_from IS NOT NULL
),
broken AS (
    SELECT DISTINCT ON (b.pairing, e.entry)
           b.id, b.pairing, CASE b.state WHEN 'open' THEN b.type ELSE 'resolved' END AS step, e.entry
    FROM reconciliation_break b CROSS JOIN unnest(b.ours || b.theirs) AS e (entry)
    WHERE b.id IN (
        SELECT k.id FROM reconciliation_break k JOIN dates USING (business_date) WHERE k.state <> 'healed'
        UNION
        SELECT k.id FROM (SELECT DISTINCT pairing, key FROM standing WHERE key <> '') s
        JOIN reconciliation_break k ON k.pairing = s.pairing AND k.key = s.key AND k.state <> 'healed')
    ORDER BY b.pairing, e.entry, b.state, b.id
),
judged AS (
    -- Matches that are kept: found by what their lines share, or (where they share nothing) by the line itself.
    SELECT DISTINCT ON (m.pairing, e.entry) m.id, m.pairing, m.rule, e.entry
    FROM reconciliation_match m CROSS JOIN unnest(m.ours || m.theirs) AS e (entry)
    WHERE m.id IN (
        SELECT k.id FROM (SELECT DISTINCT pairing, key FROM standing) s
        JOIN reconciliation_match k ON k.pairing = s.pairing AND k.key = s.key
        UNION
        SELECT k.id FROM (SELECT id, unnest(ours || theirs) AS entry FROM reconciliation_match
                          WHERE rule IN ('batch', 'by_hand')) k
        JOIN day_line l ON l.id = k.entry
        UNION
        SELECT k.id FROM reconciliation_match k JOIN dates USING (business_date)
        WHERE k.pairing IN ('ho', 'gateway') AND k.rule = 'look_alike')
    ORDER BY m.pairing, e.entry, m.rule = 'by_hand' DESC, m.id DESC
)
SELECT s.book, s.pairing, s.id, s.side, s.key, s.gateway, s.currency, s.effect, s.carried_from, s.occurred_at, b.id AS found,
       m.rule, coalesce('m' || m.id, s.key) AS unit, m.id AS match_id,
       CASE
           WHEN s.kind = 'fee' AND s.side = 'gateway' THEN 'fees_kept'
           WHEN s.book = 'to_ours' AND s.side = 'ours' AND s.gateway <> ALL(%(feeds)s)
               THEN CASE s.gateway WHEN %(bank)s THEN 'transferred' ELSE 'no_report' END
           WHEN s.id > %(compared)s THEN 'not_compared'
           WHEN b.step IS NOT NULL THEN b.step
           WHEN x.entry IS NOT NULL THEN x.why
       END AS step
FROM standing s
LEFT JOIN broken b ON b.pairing = s.pairing AND b.entry = s.id
LEFT JOIN judged m ON m.pairing = s.pairing AND m.entry = s.id AND b.id IS NULL
LEFT JOIN reconciliation_expectation x ON x.pairing = s.pairing AND x.entry = s.id;

-- What is matched and does not come to zero on this day at each gateway: it lies on two days, or under two gateways, or its
-- lines differ. All its lines, of whatever day, say which.
CREATE TEMP TABLE day_unit ON COMMIT DROP AS
WITH uneven AS (
    SELECT book, pairing, unit, min(key) AS key, match_id, currency FROM (
        SELECT book, pairing, unit, min(key) AS key, match_id, currency, gateway, sum(effect) AS left_over
        FROM day_step WHERE step IS NULL GROUP BY book, pairing, unit, match_id, currency, gateway) s
    WHERE left_over <> 0 GROUP BY book, pairing, unit, match_id, currency
),
-- Lines of other days that bear no name of ours: they were matched by the other side's name of the payment, or by order and
-- sum. Looked for only where no line of the other book bears our name, and never among those that a break holds.
nameless AS (
    SELECT DISTINCT u.book, u.unit, u.currency, e.id, e.side, e.amount, e.occurred_at
    FROM uneven u
    JOIN reconciliation_entry o ON o.side = 'ours' AND o.reference = u.key AND o.currency = u.currency AND o.status = 'settled'
    LEFT JOIN orders_attempt a ON a.reference = o.reference AND a.gateway_reference <> ''
    JOIN reconciliation_entry e ON e.side = 'gateway' AND e.order_reference IN ('', o.order_reference) AND e.currency = o.currency
         AND e.amount = o.amount AND e.kind = o.kind AND e.reference = '' AND e.status = 'settled' AND e.id <= %(compared)s
         AND (e.external_reference = a.gateway_reference OR e.order_reference <> '')
    WHERE u.book = 'to_ours' AND u.match_id IS NULL AND u.key <> ''
      AND NOT EXISTS (SELECT FROM reconciliation_entry n WHERE n.side = 'gateway' AND n.reference = u.key
                      AND n.currency = o.currency AND n.amount = o.amount AND n.kind = o.kind AND n.status = 'settled')
      AND NOT EXISTS (SELECT FROM reconciliation_break b WHERE b.pairing = u.pairing AND b.business_date = e.business_date
                      AND b.state <> 'healed' AND e.id = ANY(b.theirs))
    UNION
    SELECT u.book, u.unit, u.currency, e.id, e.side, e.amount, e.occurred_at
    FROM uneven u
    JOIN reconciliation_entry o ON o.side = 'ours' AND o.order_reference = u.key AND o.currency = u.currency
         AND o.status = 'settled'
    LEFT JOIN orders_attempt a ON o.reference <> '' AND a.reference = o.reference AND a.gateway_reference <> ''
    JOIN reconciliation_entry e ON e.side = 'ho' AND e.order_reference = '' AND e.currency = o.currency AND e.amount = o.amount
         AND e.kind = o.kind AND e.status = 'settled' AND e.id <= %(compared)s
         AND (e.reference <> '' AND e.reference = o.reference OR e.external_reference = a.gateway_reference)
    WHERE u.book = 'to_ho' AND u.match_id IS NULL AND u.key <> ''
      AND NOT EXISTS (SELECT FROM reconciliation_entry n WHERE n.side = 'ho' AND n.order_reference = u.key
                      AND n.currency = o.currency AND n.amount = o.amount AND n.kind = o.kind AND n.status = 'settled')
      AND NOT EXISTS (SELECT FROM reconciliation_break b WHERE b.pairing = u.pairing AND b.business_date = e.business_date
                      AND b.state <> 'healed' AND e.id = ANY(b.theirs))
),
whole AS (
    SELECT u.book, u.unit, u.currency, e.id, e.side, e.amount, e.occurred_at
    FROM uneven u JOIN reconciliation_match m ON m.id = u.match_id
    JOIN reconciliation_entry e ON e.id = ANY(m.ours || m.theirs)
    UNION
    SELECT u.book, u.unit, u.currency, e.id, e.side, e.amount, e.occurred_at
    FROM uneven u JOIN reconciliation_entry e ON e.order_reference = u.key AND e.side IN ('ours', 'ho')
    WHERE u.match_id IS NULL AND u.book = 'to_ho' AND u.key <> '' AND e.currency = u.currency AND e.status = 'settled'
      AND e.kind <> 'payout' AND e.id <= %(compared)s
    UNION
    SELECT u.book, u.unit, u.currency, e.id, e.side, e.amount, e.occurred_at
    FROM uneven u JOIN reconciliation_entry e ON e.reference = u.key AND e.side IN ('ours', 'gateway')
    WHERE u.match_id IS NULL AND u.book = 'to_ours' AND u.key <> '' AND e.currency = u.currency AND e.status = 'settled'
      AND e.kind NOT IN ('payout', 'fee') AND e.id <= %(compared)s
    UNION
    SELECT n.book, n.unit, n.currency, n.id, n.side, n.amount, n.occurred_at FROM nameless n
    UNION
    SELECT u.book, u.unit, u.currency, s.id, s.side, l.amount, s.occurred_at
    FROM uneven u JOIN day_step s ON s.book = u.book AND s.unit = u.unit AND s.currency = u.currency AND s.step IS NULL
    JOIN day_line l ON l.id = s.id
),
-- Of the lines of other days under a name, those that a break, a wait or another match holds are not this unit's.
own AS (
    SELECT w.*, CASE WHEN (w.side = 'ours') = (w.book = 'to_ours') THEN w.amount ELSE -w.amount END AS effect
    FROM whole w JOIN uneven u USING (book, unit, currency)
    WHERE u.match_id IS NOT NULL OR EXISTS (SELECT FROM day_step s WHERE s.book = w.book AND s.id = w.id AND s.step IS NULL)
    OR NOT (
        EXISTS (SELECT FROM day_step s WHERE s.book = w.book AND s.id = w.id)
        OR EXISTS (SELECT FROM reconciliation_expectation x WHERE x.pairing = u.pairing AND x.entry = w.id)
        OR EXISTS (SELECT FROM reconciliation_break b WHERE b.pairing = u.pairing AND b.key = u.key AND b.state <> 'healed'
                                                        AND w.id = ANY(b.ours || b.theirs))
        OR EXISTS (SELECT FROM reconciliation_match m WHERE m.pairing = u.pairing AND m.key = u.key
                                                        AND w.id = ANY(m.ours || m.theirs)))
)
SELECT book, unit, currency, sum(effect) AS difference,
       (array_agg(id ORDER BY side <> 'ours' DESC, occurred_at DESC, id DESC))[1] AS last_line,
       bool_or(NOT EXISTS (SELECT FROM day_line l WHERE l.id = own.id)) AS has_other_days
FROM own GROUP BY book, unit, currency;
