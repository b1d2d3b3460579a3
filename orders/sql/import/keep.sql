-- What the files have said so far, first word first; a status only once the order has reached it.

UPDATE orders_order o
SET notes = jsonb_set(o.notes, '{imported,says}', s.says || s.had || CASE
        WHEN o.state = s.status THEN jsonb_build_object('status', s.status) ELSE '{}' END)
FROM import_order s
WHERE s.order_id = o.id AND s.batch = %(batch)s AND s.had IS NOT NULL AND s.had <> s.says;
