-- Which case a break belongs to: what breaks of one cause have in common. An exact difference is a cause of its own when at
-- least three breaks of one source share it; other differences go by their direction. Told once for each kind of break.

CREATE TEMP TABLE kind_of_break ON COMMIT DROP AS
WITH kinds AS (
    SELECT type, currency, source, gateway, method, cause,
           CASE WHEN type = 'amount_differs' THEN difference END AS difference, count(*) AS breaks
    FROM found_break GROUP BY 1, 2, 3, 4, 5, 6, 7
),
common AS (
    SELECT d.source, d.currency, d.difference
    FROM kinds d WHERE d.type = 'amount_differs'
    GROUP BY d.source, d.currency, d.difference
    HAVING sum(d.breaks) >= 3 OR EXISTS (
        SELECT FROM reconciliation_case c
        WHERE c.type = 'amount_differs' AND c.is_open AND c.currency = d.currency
          AND c.traits = jsonb_build_object('source', d.source, 'difference', d.difference))
),
described AS (
    SELECT k.*, jsonb_strip_nulls(CASE
        WHEN k.type IN ('missing_in_ho', 'refund_missing_in_ho') THEN jsonb_build_object('cause', k.cause)
        WHEN k.type = 'amount_differs' AND s.source IS NOT NULL
            THEN jsonb_build_object('source', k.source, 'difference', k.difference)
        WHEN k.type = 'amount_differs'
            THEN jsonb_build_object('source', k.source, 'more', CASE WHEN k.difference > 0 THEN 'theirs' ELSE 'ours' END)
        WHEN k.type IN ('ho_without_payment', 'duplicate_in_ho', 'currency_differs', 'payout_differs',
                        'gateway_without_payment', 'invalid_row')
            THEN jsonb_build_object('source', k.source)
        WHEN k.type = 'fee_differs' THEN jsonb_build_object('source', k.source, 'method', nullif(k.method, ''))
        WHEN k.type = 'ambiguous' THEN jsonb_build_object('method', nullif(k.method, ''))
        WHEN k.type IN ('missing_at_gateway', 'status_differs')
            THEN jsonb_build_object('gateway', k.gateway, 'method', nullif(k.method, ''))
        ELSE jsonb_build_object('gateway', coalesce(nullif(k.gateway, ''), k.source))
        END) AS traits
    FROM kinds k
    LEFT JOIN common s
      ON k.type = 'amount_differs' AND s.source = k.source AND s.currency = k.currency AND s.difference = k.difference
)
SELECT d.*, left(concat_ws('|', type, currency, (
    SELECT string_agg(concat(name, '=', value), '|' ORDER BY name) FROM jsonb_each_text(traits) AS t (name, value))), 200)
    COLLATE "C" AS signature, NULL::bigint AS case_id
FROM described d;

INSERT INTO reconciliation_case (
    pairing, type, signature, traits, currency, count, money, is_open, incident, found_at)
SELECT DISTINCT ON (signature) %(pairing)s, type, signature, traits, currency, 0, 0, true, '', now()
FROM kind_of_break ORDER BY signature
ON CONFLICT (signature) DO NOTHING;

UPDATE kind_of_break k SET case_id = c.id FROM reconciliation_case c WHERE c.signature = k.signature;

CREATE TEMP TABLE break_of_case ON COMMIT DROP AS
SELECT f.*, k.case_id FROM found_break f JOIN kind_of_break k
  ON k.type = f.type AND k.currency = f.currency AND k.source = f.source AND k.gateway = f.gateway AND k.method = f.method
 AND k.cause = f.cause AND (f.type <> 'amount_differs' OR k.difference = f.difference);
ANALYZE break_of_case;
