-- One number for all lines of the day, by what they say and never by an id: SHA-256 over them in the order of their bytes.

SELECT encode(sha256(convert_to(coalesce(string_agg(line, E'\n' ORDER BY line COLLATE "C"), ''), 'UTF8')), 'hex')
FROM (SELECT concat_ws('~', side, gateway, kind, currency, amount, reference, external_reference, order_reference,
                       extract(epoch FROM occurred_at), occurrence, carried_from) AS line FROM day_line) l;
