-- The guard and the memory of every state machine, whoever writes: ORM, bulk SQL or psql.
--
-- * A state changes only along an edge of orders_edge (seeded from orders/states), under that edge's own verb:
--   a verb that joins other states is refused even where another verb joins these two, for the history would lie.
--   A writer that names no verb (psql) is given the edge's verb where there is only one, and refused otherwise.
-- * Every change appends one row to orders_history, chained per order by an HMAC.
-- * The key of the HMAC is never stored here. The application hands its two padded halves to the
--   transaction (opsconsole.ipad, opsconsole.opad); a writer without the key still leaves a row,
--   with no MAC, and `manage.py verify_history` names it.

CREATE OR REPLACE FUNCTION opsconsole_setting(name text) RETURNS text
LANGUAGE sql STABLE AS $$
    SELECT coalesce(current_setting('opsconsole.' || name, true), '')
$$;

-- Length-prefixed, so that no two different rows have the same text.
CREATE OR REPLACE FUNCTION opsconsole_canonical(VARIADIC parts text[]) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
    SELECT convert_to(string_agg(octet_length(part) || ':' || part, ',' ORDER BY place), 'UTF8')
    FROM unnest(parts) WITH ORDINALITY AS p(part, place)
$$;

CREATE OR REPLACE FUNCTION opsconsole_micros(instant timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT (extract(epoch FROM instant) * 1000000)::bigint::text
$$;

CREATE OR REPLACE FUNCTION opsconsole_mac(message bytea) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN opsconsole_setting('ipad') = '' THEN NULL
           ELSE sha256(decode(opsconsole_setting('opad'), 'hex')
                || sha256(decode(opsconsole_setting('ipad'), 'hex') || message)) END
$$;

-- Appends one row to the chain of an order (order 0 holds what belongs to no order).
-- Lock: takes the order's row in orders_chainhead until the transaction ends, so seq has no gap.
CREATE OR REPLACE FUNCTION opsconsole_record(
    of_order bigint, of_machine text, of_subject bigint, by_verb text,
    from_state text, to_state text, happened_at timestamptz
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    head orders_chainhead%ROWTYPE;
    by_actor text := coalesce(nullif(opsconsole_setting('actor'), ''), 'sql:' || session_user);
    why text := opsconsole_setting('reason');
    more jsonb := coalesce(nullif(opsconsole_setting('detail'), ''), '{}')::jsonb;
    at timestamptz := clock_timestamp();
    link bytea;
    row_id bigint;
BEGIN
    INSERT INTO orders_chainhead AS h (order_id, seq, mac) VALUES (of_order, 1, NULL)
    ON CONFLICT (order_id) DO UPDATE SET seq = h.seq + 1
    RETURNING * INTO head;
    link := opsconsole_mac(opsconsole_canonical(
        of_order::text, head.seq::text, of_machine, of_subject::text, by_verb, from_state, to_state,
        by_actor, why, more::text, opsconsole_micros(happened_at), opsconsole_micros(at),
        coalesce(encode(head.mac, 'hex'), '')));
    INSERT INTO orders_history (order_id, seq, machine, subject_id, verb, source, target, actor,
                                reason, detail, occurred_at, recorded_at, mac)
    VALUES (of_order, head.seq, of_machine, of_subject, by_verb, from_state, to_state, by_actor,
            why, more, happened_at, at, link)
    RETURNING id INTO row_id;
    UPDATE orders_chainhead SET mac = link WHERE order_id = of_order;
    IF opsconsole_setting('quiet') <> 'on' THEN
        INSERT INTO orders_outbox (history_id, order_id) VALUES (row_id, of_order);
    END IF;
    RETURN row_id;
END $$;

CREATE OR REPLACE FUNCTION opsconsole_refuse_edge(
    of_machine text, of_subject bigint, from_state text, to_state text
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% %: no edge "%" from "%" to "%"',
        of_machine, of_subject, opsconsole_setting('verb'), from_state, to_state
        USING ERRCODE = '23514', CONSTRAINT = 'state_edge', TABLE = 'orders_edge';
END $$;

CREATE OR REPLACE FUNCTION opsconsole_guard_update() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_machine text := TG_ARGV[0];
    of_order bigint;
    wanted text := nullif(opsconsole_setting('verb'), '');
    by_verb text;
BEGIN
    SELECT min(e.verb) INTO by_verb FROM orders_edge e
    WHERE e.machine = of_machine AND e.source = OLD.state AND e.target = NEW.state
    AND e.verb = coalesce(wanted, e.verb)
    HAVING count(*) = 1;
    IF by_verb IS NULL THEN
        PERFORM opsconsole_refuse_edge(of_machine, OLD.id, OLD.state, NEW.state);
    END IF;
    IF NEW.entered_at = OLD.entered_at THEN
        NEW.entered_at := clock_timestamp();
    END IF;
    NEW.version := OLD.version + 1;
    IF of_machine = 'order' THEN of_order := NEW.id; ELSE of_order := coalesce(NEW.order_id, 0); END IF;
    PERFORM opsconsole_record(of_order, of_machine, NEW.id, by_verb, OLD.state, NEW.state, NEW.entered_at);
    RETURN NEW;
END $$;

-- Births are checked and written after the insert, so that ON CONFLICT DO NOTHING leaves no ghost.
CREATE OR REPLACE FUNCTION opsconsole_guard_insert() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_machine text := TG_ARGV[0];
    of_order bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM orders_edge e
                   WHERE e.machine = of_machine AND e.source = '' AND e.target = NEW.state) THEN
        PERFORM opsconsole_refuse_edge(of_machine, NEW.id, '', NEW.state);
    END IF;
    IF of_machine = 'order' THEN of_order := NEW.id; ELSE of_order := coalesce(NEW.order_id, 0); END IF;
    PERFORM opsconsole_record(of_order, of_machine, NEW.id, 'create', '', NEW.state, NEW.entered_at);
    RETURN NULL;
END $$;

-- A stored message is its own record: its birth is checked, its verdict goes into the chain.
CREATE OR REPLACE FUNCTION opsconsole_guard_insert_silent() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM orders_edge e
                   WHERE e.machine = TG_ARGV[0] AND e.source = '' AND e.target = NEW.state) THEN
        PERFORM opsconsole_refuse_edge(TG_ARGV[0], NEW.id, '', NEW.state);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION opsconsole_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = '23514', CONSTRAINT = 'append_only', TABLE = TG_TABLE_NAME;
END $$;
