-- Matches that took judgement and lines that wait, for the keys that were looked at. What is there already stays.

DELETE FROM kept_match m
WHERE m.rule <> 'by_hand'
  AND NOT EXISTS (SELECT FROM found_match f
                  WHERE f.key = m.key AND f.rule = m.rule AND f.ours = m.ours AND f.theirs = m.theirs
                    AND f.known = m.known);

INSERT INTO reconciliation_match (
    pairing, rule, key, currency, ours, theirs, ours_amount, theirs_amount, difference, is_timing, known, business_date,
    run_id)
SELECT %(pairing)s, f.rule, f.key, f.currency, f.ours, f.theirs, f.ours_amount, f.theirs_amount,
       f.theirs_amount - f.ours_amount, f.is_timing, f.known, f.business_date, %(run)s
FROM found_match f
WHERE NOT EXISTS (SELECT FROM reconciliation_match m
                  WHERE m.pairing = %(pairing)s AND m.key = f.key AND m.rule = f.rule AND m.ours = f.ours
                    AND m.theirs = f.theirs AND m.known = f.known)
-- Sorted, so that all is looked up before the first is written: a plan made for an empty table would read what it has written.
ORDER BY f.key, f.rule;

DELETE FROM kept_expectation x
WHERE NOT EXISTS (SELECT FROM pool p WHERE p.id = x.entry AND p.outcome = 'expected' AND p.rule = x.why);

INSERT INTO reconciliation_expectation (pairing, key, entry, why, amount, currency, occurred_at)
SELECT %(pairing)s, key, id, rule, amount, currency, occurred_at FROM pool WHERE outcome = 'expected'
ON CONFLICT (pairing, entry) DO NOTHING;
