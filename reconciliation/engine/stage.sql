-- Where the lines of one load wait until they are taken in whole.

DROP TABLE IF EXISTS pg_temp.staged;
CREATE TEMP TABLE staged (
    line integer NOT NULL,
    kind text COLLATE "C" NOT NULL,
    amount bigint NOT NULL,
    currency text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    reference text COLLATE "C" NOT NULL,
    external_reference text COLLATE "C" NOT NULL,
    order_reference text COLLATE "C" NOT NULL,
    batch text COLLATE "C" NOT NULL,
    method text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    source text COLLATE "C" NOT NULL
) ON COMMIT DROP;
