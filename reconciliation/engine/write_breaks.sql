-- The breaks as they are now. A break that is found again keeps its row: owner, notes and history stay.

INSERT INTO reconciliation_breakevent (of_id, verb, actor, reason, detail, run_id, at)
SELECT b.id, CASE WHEN b.state = 'open' THEN 'change' ELSE 'reopen' END, %(actor)s, '',
       jsonb_build_object('type', jsonb_build_array(b.type, f.type),
                          'difference', jsonb_build_array(b.difference, f.difference)),
       %(run)s, now()
FROM reconciliation_break b JOIN break_of_case f ON b.identity = f.identity
WHERE b.pairing = %(pairing)s
  AND (b.state = 'healed' OR (b.state = 'open' AND b.type <> f.type) OR b.difference <> f.difference);

UPDATE reconciliation_break b SET
    type = f.type, cause = f.cause, ours_amount = f.ours_amount, theirs_amount = f.theirs_amount,
    difference = f.difference, exposure = f.exposure, ours = coalesce(f.ours, '{}'), theirs = coalesce(f.theirs, '{}'),
    source = f.source, gateway = f.gateway, method = f.method, case_id = f.case_id, seen_by_id = %(run)s,
    closed_at = CASE WHEN b.state = 'resolved' AND b.difference = f.difference THEN b.closed_at END,
    resolution = CASE WHEN b.state = 'resolved' AND b.difference = f.difference THEN b.resolution ELSE '' END,
    healed_by = NULL,
    state = CASE WHEN b.state = 'resolved' AND b.difference = f.difference THEN b.state ELSE 'open' END
FROM break_of_case f
WHERE b.pairing = %(pairing)s AND b.identity = f.identity
  AND (b.state = 'healed' OR b.type <> f.type OR b.difference <> f.difference OR b.case_id IS DISTINCT FROM f.case_id
       OR b.cause <> f.cause OR b.ours <> coalesce(f.ours, '{}') OR b.theirs <> coalesce(f.theirs, '{}'));

INSERT INTO reconciliation_break (
    pairing, identity, key, type, state, is_timing, order_reference, reference, source, gateway, method, cause, currency,
    ours_amount, theirs_amount, difference, exposure, ours, theirs, occurred_at, business_date, case_id, found_by_id,
    seen_by_id, found_at, resolution)
SELECT %(pairing)s, f.identity, f.key, f.type, 'open', false, f.order_reference, f.reference, f.source, f.gateway, f.method,
       f.cause, f.currency, f.ours_amount, f.theirs_amount, f.difference, f.exposure, coalesce(f.ours, '{}'),
       coalesce(f.theirs, '{}'), f.occurred_at, f.business_date, f.case_id, %(run)s, %(run)s, now(), ''
FROM break_of_case f
WHERE NOT EXISTS (SELECT FROM reconciliation_break b WHERE b.pairing = %(pairing)s AND b.identity = f.identity)
ORDER BY f.identity;

-- What the other book has covered only just now may still be on its way: a flag, and no other judgement. Taken away and given
-- by two statements, because each is found by an index and not among all that is missing.
UPDATE reconciliation_break b SET is_timing = false
FROM coverage c
WHERE b.pairing = %(pairing)s AND b.state = 'open' AND b.is_timing
  AND b.type IN ('missing_in_ho', 'missing_at_gateway')
  AND c.source = CASE WHEN %(pairing)s = 'gateway' THEN b.gateway ELSE 'ho' END
  AND coalesce(b.occurred_at < c.complete_up_to - %(timing)s, true);

UPDATE reconciliation_break b SET is_timing = true
FROM coverage c
WHERE b.pairing = %(pairing)s AND b.state = 'open' AND NOT b.is_timing
  AND b.type IN ('missing_in_ho', 'missing_at_gateway')
  AND c.source = CASE WHEN %(pairing)s = 'gateway' THEN b.gateway ELSE 'ho' END
  AND b.occurred_at >= c.complete_up_to - %(timing)s;
