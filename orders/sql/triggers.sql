-- Which table is which machine. Runs after history.sql.

DO $$
DECLARE
    pair record;
BEGIN
    FOR pair IN SELECT * FROM (VALUES
        ('orders_order', 'order', 'opsconsole_guard_insert'),
        ('orders_attempt', 'attempt', 'opsconsole_guard_insert'),
        ('orders_refund', 'refund', 'opsconsole_guard_insert'),
        ('orders_saga', 'saga', 'opsconsole_guard_insert'),
        ('orders_step', 'step', 'opsconsole_guard_insert'),
        ('orders_dispatchentry', 'dispatch', 'opsconsole_guard_insert'),
        ('orders_posting', 'posting', 'opsconsole_guard_insert'),
        ('orders_inboundevent', 'inbound', 'opsconsole_guard_insert_silent'),
        ('orders_deadletter', 'letter', 'opsconsole_guard_insert_silent'),
        ('orders_notice', 'notice', 'opsconsole_guard_insert_silent')
    ) AS t(tab, machine, births)
    LOOP
        -- This file also runs in the migration of a time when the newer tables did not exist yet.
        CONTINUE WHEN to_regclass(pair.tab) IS NULL;
        EXECUTE format('CREATE OR REPLACE TRIGGER guard_update BEFORE UPDATE OF state ON %I
            FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)
            EXECUTE FUNCTION opsconsole_guard_update(%L)', pair.tab, pair.machine);
        EXECUTE format('CREATE OR REPLACE TRIGGER guard_insert AFTER INSERT ON %I
            FOR EACH ROW EXECUTE FUNCTION %I(%L)', pair.tab, pair.births, pair.machine);
    END LOOP;
END $$;

CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON orders_history
    FOR EACH ROW EXECUTE FUNCTION opsconsole_append_only();
CREATE OR REPLACE TRIGGER append_only_all BEFORE TRUNCATE ON orders_history
    FOR EACH STATEMENT EXECUTE FUNCTION opsconsole_append_only();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON orders_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION opsconsole_append_only();
CREATE OR REPLACE TRIGGER append_only_all BEFORE TRUNCATE ON orders_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION opsconsole_append_only();
