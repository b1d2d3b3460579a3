-- What one comparison works on. Temporary, and gone with the transaction.


DROP VIEW IF EXISTS pg_temp.ours, pg_temp.theirs, pg_temp.all_ours, pg_temp.all_theirs,
                    pg_temp.kept_break, pg_temp.kept_match, pg_temp.kept_expectation;
DROP TABLE IF EXISTS pg_temp.scope, pg_temp.coverage, pg_temp.tolerance, pg_temp.pool,
                     pg_temp.found_break, pg_temp.found_match,
                     pg_temp.drafted_break, pg_temp.kind_of_break, pg_temp.break_of_case, pg_temp.payout, pg_temp.fee,
                     pg_temp.tariff, pg_temp.known_difference;

-- The keys (orders, or payment references) that a run of changes or of some days looks at.
CREATE TEMP TABLE scope (key text COLLATE "C" PRIMARY KEY) ON COMMIT DROP;

-- Up to when each source of the other side's book is complete.
CREATE TEMP TABLE coverage (source text COLLATE "C" PRIMARY KEY, complete_up_to timestamptz) ON COMMIT DROP;

-- How far two amounts may lie apart: minor units, and hundredths of a percent of the larger one.
CREATE TEMP TABLE tolerance (
    currency text COLLATE "C" PRIMARY KEY, absolute bigint NOT NULL, percent bigint NOT NULL) ON COMMIT DROP;

-- What each gateway may keep of a payment: minor units, and hundredths of a percent; no bound where `least` or `most` is 0 or
-- NULL. '' is any way of paying. Holds from a month's volume of `above` on; NULL, from versions before there were steps, is 0.
CREATE TEMP TABLE tariff (
    gateway text COLLATE "C" NOT NULL, method text COLLATE "C" NOT NULL, currency text COLLATE "C" NOT NULL,
    fixed bigint NOT NULL, percent integer NOT NULL, vat integer NOT NULL, within bigint NOT NULL,
    valid_from date NOT NULL, least bigint, most bigint, above bigint) ON COMMIT DROP;

-- Differences (theirs less ours, minor units) that two people have agreed to let pass. '' is any.
CREATE TEMP TABLE known_difference (
    name text COLLATE "C" NOT NULL, pairing text NOT NULL, gateway text COLLATE "C" NOT NULL,
    method text COLLATE "C" NOT NULL, source text COLLATE "C" NOT NULL, currency text COLLATE "C" NOT NULL,
    difference bigint NOT NULL, first date NOT NULL, last date) ON COMMIT DROP;
