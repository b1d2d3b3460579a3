-- Write the remarks of one batch on their timelines, each once, and keep what the file said.

SELECT count(pg_temp.import_fact(r.order_id, o.state, r.at, r.detail))
FROM (SELECT * FROM import_remark ORDER BY order_id, at, detail ->> 'kind') r
JOIN orders_order o ON o.id = r.order_id
WHERE NOT EXISTS (
    SELECT FROM orders_history h
    WHERE h.order_id = r.order_id AND h.verb = 'anomaly'
      AND CASE WHEN r.detail ->> 'kind' = 'import_contradicts' THEN h.detail = r.detail
          ELSE h.detail ->> 'kind' = r.detail ->> 'kind' END);
