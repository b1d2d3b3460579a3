-- Which orders' money has to be looked at: those whose ledger is not one charge of the whole amount.
-- One statement for each statement that writes into the ledger; nearly every payment enters nothing.
-- What is odd about them is asked of the ledger when it is read (orders/queries/money_queues.py, ADR 0046).

CREATE OR REPLACE FUNCTION opsconsole_watch_money() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO orders_moneywatch (order_id)
    SELECT DISTINCT o.id FROM fresh f JOIN orders_order o ON o.id = f.order_id
    WHERE o.origin = 'platform'
      AND (f.kind <> 'charged' OR f.amount <> o.amount OR f.currency <> o.currency
           OR EXISTS (SELECT FROM orders_ledgerentry l WHERE l.order_id = f.order_id AND l.id <> f.id))
    ON CONFLICT (order_id) DO NOTHING;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER watch_money AFTER INSERT ON orders_ledgerentry
    REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION opsconsole_watch_money();

-- What came before the trigger. One pass over the ledger; a minute at ten million orders.
INSERT INTO orders_moneywatch (order_id)
SELECT l.order_id FROM orders_ledgerentry l JOIN orders_order o ON o.id = l.order_id
WHERE o.origin = 'platform'
GROUP BY l.order_id, o.amount
HAVING count(*) > 1 OR sum(l.amount) <> o.amount
ON CONFLICT (order_id) DO NOTHING;
