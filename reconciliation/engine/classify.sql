-- Last pass: what is left is a break, one for each order (or reference) and currency. The first rule that holds names it.

-- The same key in one currency here and in another there: one break, and no difference, because none can be computed.
UPDATE pool p SET outcome = 'break', rule = 'currency_differs'
FROM (
    SELECT key FROM pool WHERE outcome IS NULL AND key <> ''
    GROUP BY key
    HAVING count(*) FILTER (WHERE book = 'ours') > 0 AND count(*) FILTER (WHERE book = 'theirs') > 0
       AND min(currency) FILTER (WHERE book = 'ours') = max(currency) FILTER (WHERE book = 'ours')
       AND min(currency) FILTER (WHERE book = 'theirs') = max(currency) FILTER (WHERE book = 'theirs')
       AND min(currency) FILTER (WHERE book = 'ours') <> min(currency) FILTER (WHERE book = 'theirs')
) d
WHERE p.outcome IS NULL AND p.key = d.key;

CREATE TEMP TABLE drafted_break ON COMMIT DROP AS
WITH around AS (
    -- What the settled lines of the same key tell about those that are left: only of reversals and void lines it is asked.
    SELECT key, bool_or(book = 'theirs' AND outcome = 'matched') AS has_match,
           bool_or(book = 'ours') AS has_ours, bool_or(book = 'theirs' AND status <> 'settled') AS has_void
    FROM pool WHERE key IN (SELECT key FROM pool WHERE key <> '' AND (kind = 'reversal' OR status <> 'settled'))
    GROUP BY key
),
repeated AS (
    SELECT DISTINCT l.grp FROM pool l JOIN pool m
      ON m.book = 'theirs' AND m.key = l.key AND m.kind = l.kind AND m.amount = l.amount AND m.currency = l.currency
    WHERE l.book = 'theirs' AND l.outcome IS NULL AND l.key <> '' AND m.outcome = 'matched'
),
groups AS (
    SELECT grp, min(p.key) AS key, coalesce(min(p.currency) FILTER (WHERE book = 'ours'), min(p.currency)) AS currency,
           max(rule) AS rule,
           count(*) FILTER (WHERE book = 'ours') AS ours_lines, count(*) FILTER (WHERE book = 'theirs') AS theirs_lines,
           coalesce(sum(amount) FILTER (WHERE book = 'ours'), 0)::bigint AS ours_amount,
           coalesce(sum(amount) FILTER (WHERE book = 'theirs'), 0)::bigint AS theirs_amount,
           coalesce(sum(amount) FILTER (WHERE book = 'ours' AND kind IN ('refund', 'reversal')), 0)::bigint AS ours_back,
           bool_and(kind = 'reversal') FILTER (WHERE book = 'ours') AS only_reversals,
           bool_or(kind = 'reversal') FILTER (WHERE book = 'ours') AS any_reversal,
           bool_and(kind IN ('refund', 'reversal')) FILTER (WHERE book = 'ours') AS only_back,
           bool_and(kind = 'reversal') FILTER (WHERE book = 'theirs') AS their_reversals,
           array_agg(id ORDER BY id) FILTER (WHERE book = 'ours') AS ours,
           array_agg(id ORDER BY id) FILTER (WHERE book = 'theirs') AS theirs,
           max(p.order_reference) AS order_reference, max(p.reference) AS reference,
           coalesce(max(source) FILTER (WHERE book = 'theirs'), '') AS source,
           coalesce(max(source) FILTER (WHERE book = 'ours'), '') AS gateway,
           coalesce(max(nullif(method, '')) FILTER (WHERE book = 'ours'), max(method)) AS method,
           coalesce(sum(stake), 0)::bigint AS stake, min(occurred_at) AS occurred_at, min(business_date) AS business_date
    FROM pool p WHERE outcome IS NULL OR outcome = 'break'
    GROUP BY grp, CASE WHEN rule IN ('currency_differs', 'ambiguous') THEN '' ELSE p.currency END
)
SELECT concat(g.grp, '|', CASE g.rule WHEN 'currency_differs' THEN 'currencies' ELSE g.currency END) AS identity, g.*,
       CASE
           WHEN g.rule IN ('currency_differs', 'ambiguous', 'refund_exceeds_paid', 'duplicate_charge',
                           'duplicate_charge_across', 'late_reversal', 'payout_differs', 'fee_differs') THEN g.rule
           WHEN g.rule = 'duplicate' THEN CASE %(pairing)s WHEN 'ho' THEN 'duplicate_in_ho' ELSE 'duplicate_charge' END
           WHEN g.theirs_lines > 0 AND g.ours_lines > 0 THEN CASE
               WHEN g.any_reversal AND g.theirs_amount - g.ours_amount = -g.ours_back THEN 'late_reversal'
               WHEN g.ours_back < 0 AND g.theirs_amount - g.ours_amount = -g.ours_back
                    AND %(pairing)s = 'ho' THEN 'refund_missing_in_ho'
               ELSE 'amount_differs' END
           WHEN g.theirs_lines > 0 THEN CASE
               WHEN r.grp IS NOT NULL THEN CASE %(pairing)s WHEN 'ho' THEN 'duplicate_in_ho' ELSE 'duplicate_charge' END
               WHEN g.their_reversals AND %(pairing)s = 'gateway' THEN 'late_reversal'
               WHEN %(pairing)s = 'ho' THEN 'ho_without_payment'
               ELSE 'gateway_without_payment' END
           WHEN g.only_reversals AND a.has_match THEN 'late_reversal'
           WHEN g.only_back AND %(pairing)s = 'ho' THEN 'refund_missing_in_ho'
           WHEN a.has_void AND %(pairing)s = 'gateway' THEN 'status_differs'
           WHEN %(pairing)s = 'ho' THEN 'missing_in_ho'
           ELSE 'missing_at_gateway'
       END AS type
FROM groups g
LEFT JOIN around a ON a.key = g.key AND g.key <> ''
LEFT JOIN repeated r ON r.grp = g.grp;

UPDATE pool p SET outcome = 'break', rule = f.type
FROM drafted_break f
WHERE p.grp = f.grp AND (p.outcome IS NULL OR p.outcome = 'break')
  AND CASE WHEN p.rule IN ('currency_differs', 'ambiguous') THEN f.type = p.rule
           ELSE f.type <> 'currency_differs' AND f.currency = p.currency END;
