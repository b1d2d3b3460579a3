-- What a person has linked stays linked.

UPDATE pool p SET outcome = 'matched', rule = 'by_hand', pair = m.pair
FROM (SELECT (ours || theirs)[1] AS pair, unnest(ours || theirs) AS entry FROM reconciliation_match
      WHERE pairing = %(pairing)s AND rule = 'by_hand') m
WHERE p.id = m.entry;
