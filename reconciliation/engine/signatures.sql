-- Which case a break belongs to: what breaks of one cause have in common. An exact difference is a cause of its own when at
-- least three breaks of one source share it; other differences go by their direction.

UPDATE found_break b SET traits = jsonb_strip_nulls(CASE
    WHEN b.type IN ('missing_in_ho', 'refund_missing_in_ho') THEN jsonb_build_object('cause', b.cause)
    WHEN b.type = 'amount_differs' AND s.is_common
        THEN jsonb_build_object('source', b.source, 'difference', b.difference)
    WHEN b.type = 'amount_differs'
        THEN jsonb_build_object('source', b.source, 'more', CASE WHEN b.difference > 0 THEN 'theirs' ELSE 'ours' END)
    WHEN b.type IN ('ho_without_payment', 'duplicate_in_ho', 'currency_differs', 'fee_differs', 'payout_differs',
                    'gateway_without_payment')
        THEN jsonb_build_object('source', b.source)
    WHEN b.type = 'ambiguous' THEN jsonb_build_object('method', nullif(b.method, ''))
    WHEN b.type IN ('missing_at_gateway', 'status_differs')
        THEN jsonb_build_object('gateway', b.gateway, 'method', nullif(b.method, ''))
    ELSE jsonb_build_object('gateway', coalesce(nullif(b.gateway, ''), b.source))
    END)
FROM found_break f
LEFT JOIN (
    SELECT d.source, d.currency, d.difference,
           count(*) >= 3 OR EXISTS (
               SELECT FROM reconciliation_case c
               WHERE c.type = 'amount_differs' AND c.is_open AND c.currency = d.currency
                 AND c.traits = jsonb_build_object('source', d.source, 'difference', d.difference)) AS is_common
    FROM found_break d WHERE d.type = 'amount_differs' GROUP BY d.source, d.currency, d.difference) s
  ON f.type = 'amount_differs' AND s.source = f.source AND s.currency = f.currency AND s.difference = f.difference
WHERE b.identity = f.identity;

UPDATE found_break SET signature = left(concat_ws('|', type, currency, (
    SELECT string_agg(concat(name, '=', value), '|' ORDER BY name) FROM jsonb_each_text(traits) AS t (name, value))), 200);

INSERT INTO reconciliation_case (
    pairing, type, signature, traits, currency, count, money, is_open, incident, found_at)
SELECT DISTINCT ON (signature) %(pairing)s, type, signature, traits, currency, 0, 0, true, '', now()
FROM found_break ORDER BY signature
ON CONFLICT (signature) DO NOTHING;
