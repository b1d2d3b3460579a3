-- What each step is made of. A break is one item (at each gateway that has lines of it), a line that waits is one, and what is
-- matched unevenly is one, with a second for what its lines differ by. Fees, lines without a report and lines that no run
-- has seen are only summed up: they are found in the books by that alone.

CREATE TEMP TABLE day_item ON COMMIT DROP AS
SELECT book, gateway, currency, step, min(key) AS name, sum(effect)::bigint AS amount, array_agg(id ORDER BY id) AS entries,
       found, min(carried_from) AS carried_from
FROM day_step
WHERE step IS NOT NULL AND step NOT IN ('fees_kept', 'no_report', 'not_compared')
GROUP BY book, gateway, currency, step, found, CASE WHEN found IS NULL THEN id END;

WITH here AS (
    SELECT s.book, s.gateway, s.currency, s.unit, min(s.key) AS key, min(s.rule) AS rule, sum(s.effect)::bigint AS amount,
           array_agg(s.id ORDER BY s.id) AS entries, min(s.carried_from) AS carried_from,
           CASE WHEN bool_or(s.id = u.last_line) THEN u.difference ELSE 0 END::bigint AS difference, u.has_other_days,
           bool_or(s.gateway = %(bank)s) OVER (PARTITION BY s.book, s.unit, s.currency) AS is_by_hand
    FROM day_step s JOIN day_unit u USING (book, unit, currency)
    WHERE s.step IS NULL
    GROUP BY s.book, s.gateway, s.currency, s.unit, u.difference, u.has_other_days
)
INSERT INTO day_item
SELECT book, gateway, currency,
       CASE WHEN carried_from IS NOT NULL THEN 'carried' WHEN has_other_days THEN 'in_transit'
            WHEN is_by_hand THEN 'transferred' ELSE 'other_gateway' END,
       key, amount - difference, entries, NULL::bigint, carried_from
FROM here WHERE amount <> difference
UNION ALL
SELECT book, gateway, currency,
       CASE WHEN rule IN ('tolerance', 'group_tolerance') THEN 'rounding' WHEN rule IN ('by_hand', 'known_difference') THEN rule
            ELSE 'unexplained' END,
       key, difference, entries, NULL::bigint, carried_from
FROM here WHERE difference <> 0;
