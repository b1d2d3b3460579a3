-- Where the two files wait while they are taken in. Gone with the session.

CREATE TEMP TABLE import_order (
    line integer, raw text,
    public_id text, status text, customer_id text, customer_name text, customer_phone text,
    customer_email text, service text, channel text, city text, method text, amount bigint,
    currency text, promised_by timestamptz,
    created_at timestamptz, paid_at timestamptz, booking_at timestamptz, active_at timestamptz,
    completed_at timestamptz, cancelled_at timestamptz, failed_at timestamptz, expired_at timestamptz,
    batch integer, refused text, order_id bigint, is_new boolean NOT NULL DEFAULT false,
    says jsonb, had jsonb
);
CREATE TEMP TABLE import_payment (
    line integer, raw text,
    payment_id text, public_id text, part integer, method text, gateway text, status text,
    instalments integer, amount bigint, currency text, paid_at timestamptz,
    batch integer, refused text, order_id bigint, attempt_id bigint, is_new boolean NOT NULL DEFAULT false
);

-- The orders of one batch that have somewhere to go. `times` are those of the rungs paid, booking,
-- active, completed; `sure` says which of them the file gave; `reach` is the highest rung.
CREATE TEMP TABLE import_walk (
    order_id bigint PRIMARY KEY, goal text, reach integer, times timestamptz[], sure boolean[],
    last_at timestamptz, ending_at timestamptz
);
CREATE TEMP TABLE import_step (id bigint PRIMARY KEY, at timestamptz);

-- What the import noticed about one order: a contradiction, a fact out of its order.
CREATE TEMP TABLE import_remark (order_id bigint, at timestamptz, detail jsonb);

CREATE FUNCTION pg_temp.import_iso(instant timestamptz) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT to_char(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- One fact without a change of state, with a detail of its own (the setting lasts a transaction).
CREATE FUNCTION pg_temp.import_fact(of_order bigint, state text, at timestamptz, detail jsonb)
RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('opsconsole.detail', detail::text, true);
    RETURN opsconsole_record(of_order, 'order', of_order, 'anomaly', state, state, at);
END $$;
