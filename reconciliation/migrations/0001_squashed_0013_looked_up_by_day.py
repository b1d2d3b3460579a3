import datetime
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from reconciliation import business_day

IMMUTABLE = """
CREATE FUNCTION reconciliation_version_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a version of a layout is never changed: save a new one' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER layout_version_is_immutable BEFORE UPDATE OR DELETE ON reconciliation_layoutversion
    FOR EACH ROW EXECUTE FUNCTION reconciliation_version_is_immutable();
"""
MUTABLE = """
DROP TRIGGER layout_version_is_immutable ON reconciliation_layoutversion;
DROP FUNCTION reconciliation_version_is_immutable();
"""
GUARDS = """
CREATE FUNCTION reconciliation_day_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('open', 'signed'), ('signed', 'open'), ('signed', 'locked'), ('locked', 'reopen_asked'),
        ('reopen_asked', 'open'), ('reopen_asked', 'locked')) THEN
        RAISE EXCEPTION 'a day does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.state IN ('locked', 'reopen_asked') AND (NEW.digest, NEW.lines_digest, NEW.up_to_entry)
       IS DISTINCT FROM (OLD.digest, OLD.lines_digest, OLD.up_to_entry) THEN
        RAISE EXCEPTION 'the figures of a closed day are never changed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER day_moves BEFORE UPDATE ON reconciliation_day
    FOR EACH ROW EXECUTE FUNCTION reconciliation_day_moves();

CREATE FUNCTION reconciliation_day_is_closed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    its_day bigint := CASE TG_OP WHEN 'DELETE' THEN OLD.day_id ELSE NEW.day_id END;
BEGIN
    IF EXISTS (SELECT FROM reconciliation_day WHERE id = its_day AND state IN ('locked', 'reopen_asked')) THEN
        RAISE EXCEPTION 'the figures of a closed day are never changed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER day_is_closed BEFORE INSERT OR UPDATE OR DELETE ON reconciliation_dayfigure
    FOR EACH ROW EXECUTE FUNCTION reconciliation_day_is_closed();
CREATE TRIGGER day_is_closed BEFORE INSERT OR UPDATE OR DELETE ON reconciliation_dayitem
    FOR EACH ROW EXECUTE FUNCTION reconciliation_day_is_closed();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON reconciliation_dayevent
    FOR EACH ROW EXECUTE FUNCTION opsconsole_append_only();
"""
FREE = """
DROP TRIGGER append_only ON reconciliation_dayevent;
DROP TRIGGER day_is_closed ON reconciliation_dayitem;
DROP TRIGGER day_is_closed ON reconciliation_dayfigure;
DROP TRIGGER day_moves ON reconciliation_day;
DROP FUNCTION reconciliation_day_is_closed();
DROP FUNCTION reconciliation_day_moves();
"""
# Who approved a known difference is somebody, and not who asked for it.
TWO_PEOPLE = """
ALTER TABLE reconciliation_rules ADD CONSTRAINT rules_known_two_people CHECK (NOT jsonb_path_exists(
    known, '$[*] ? (!exists(@.approved_by) || @.approved_by == "" || @.approved_by == @.asked_by)'))
"""
ONE_IS_ENOUGH = "ALTER TABLE reconciliation_rules DROP CONSTRAINT rules_known_two_people"
# One row for each statement, hour, day and currency that moved: nobody waits for a row that somebody else counts in.
KEEP = """
CREATE FUNCTION reconciliation_break_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO reconciliation_breaktotal (hour, business_date, currency, breaks, money)
        SELECT date_trunc('hour', occurred_at, 'UTC'), business_date, currency, count(*), sum(exposure)
        FROM new_rows WHERE state = 'open' GROUP BY 1, 2, 3;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO reconciliation_breaktotal (hour, business_date, currency, breaks, money)
        SELECT date_trunc('hour', occurred_at, 'UTC'), business_date, currency, -count(*), -sum(exposure)
        FROM old_rows WHERE state = 'open' GROUP BY 1, 2, 3;
    ELSE
        INSERT INTO reconciliation_breaktotal (hour, business_date, currency, breaks, money)
        SELECT date_trunc('hour', occurred_at, 'UTC'), business_date, currency, sum(one), sum(one * exposure)
        FROM (SELECT occurred_at, business_date, currency, exposure, 1 AS one FROM new_rows WHERE state = 'open'
              UNION ALL
              SELECT occurred_at, business_date, currency, exposure, -1 FROM old_rows WHERE state = 'open') moved
        GROUP BY 1, 2, 3 HAVING sum(one) <> 0 OR sum(one * exposure) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION reconciliation_break_totals_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM reconciliation_breaktotal;
    RETURN NULL;
END $$;
CREATE TRIGGER totals_of_new AFTER INSERT ON reconciliation_break REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION reconciliation_break_totals();
CREATE TRIGGER totals_of_gone AFTER DELETE ON reconciliation_break REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION reconciliation_break_totals();
CREATE TRIGGER totals_of_changed AFTER UPDATE ON reconciliation_break
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION reconciliation_break_totals();
CREATE TRIGGER totals_of_none AFTER TRUNCATE ON reconciliation_break
    FOR EACH STATEMENT EXECUTE FUNCTION reconciliation_break_totals_emptied();
"""
LET_GO = """
DROP TRIGGER totals_of_new ON reconciliation_break;
DROP TRIGGER totals_of_gone ON reconciliation_break;
DROP TRIGGER totals_of_changed ON reconciliation_break;
DROP TRIGGER totals_of_none ON reconciliation_break;
DROP FUNCTION reconciliation_break_totals();
DROP FUNCTION reconciliation_break_totals_emptied();
"""


class Migration(migrations.Migration):

    replaces = [
        ('reconciliation', '0001_the_books'),
        ('reconciliation', '0002_loads_that_wait_for_a_person'),
        ('reconciliation', '0003_what_breaks_share'),
        ('reconciliation', '0004_runs_links_and_decisions'),
        ('reconciliation', '0005_lines_named_by_a_mark'),
        ('reconciliation', '0006_days_and_their_bridges'),
        ('reconciliation', '0007_lines_of_a_batch'),
        ('reconciliation', '0008_large_breaks'),
        ('reconciliation', '0009_reports_as_files'),
        ('reconciliation', '0010_agreements'),
        ('reconciliation', '0011_totals_of_breaks'),
        ('reconciliation', '0012_mailed_reports'),
        ('reconciliation', '0013_looked_up_by_day'),
    ]

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('orders', '0001_squashed_0028_absences'),
    ]

    operations = [
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pairing', models.CharField(choices=[('ho', 'Ours against Head Office'), ('gateway', 'Ours against the gateways')], max_length=8)),
                ('type', models.CharField(choices=[('missing_in_ho', 'Missing at Head Office'), ('ho_without_payment', 'At Head Office without a payment'), ('missing_at_gateway', 'Missing at the gateway'), ('gateway_without_payment', 'At the gateway, not in our ledger'), ('amount_differs', 'Amount differs'), ('currency_differs', 'Currency differs'), ('status_differs', 'Status differs'), ('duplicate_charge', 'Charged twice'), ('duplicate_charge_across', 'Charged twice, by two gateways'), ('duplicate_in_ho', 'Twice at Head Office'), ('refund_missing_in_ho', 'Refund missing at Head Office'), ('refund_exceeds_paid', 'More refunded than paid'), ('late_reversal', 'Reversed after it was settled'), ('fee_differs', 'Fee differs'), ('payout_differs', 'Payout differs'), ('ambiguous', 'Ambiguous'), ('invalid_row', 'Unreadable line')], max_length=24)),
                ('signature', models.CharField(db_collation='C', max_length=200, unique=True)),
                ('traits', models.JSONField(default=dict)),
                ('currency', models.CharField(max_length=3)),
                ('count', models.IntegerField(default=0)),
                ('money', models.DecimalField(decimal_places=0, default=0, max_digits=30)),
                ('first_at', models.DateTimeField(blank=True, null=True)),
                ('last_at', models.DateTimeField(blank=True, null=True)),
                ('is_open', models.BooleanField(default=True)),
                ('incident', models.CharField(blank=True, max_length=40)),
                ('found_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('is_open', True)), fields=['-money', '-id'], name='case_open_money')],
            },
        ),
        migrations.CreateModel(
            name='Expectation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pairing', models.CharField(choices=[('ho', 'Ours against Head Office'), ('gateway', 'Ours against the gateways')], max_length=8)),
                ('key', models.CharField(db_collation='C', max_length=80)),
                ('entry', models.BigIntegerField()),
                ('why', models.CharField(choices=[('coverage', 'The other book is not complete up to then'), ('order_open', 'The order is not finished, so Head Office has not been told')], max_length=10)),
                ('amount', models.BigIntegerField()),
                ('currency', models.CharField(max_length=3)),
                ('occurred_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['pairing', 'key'], name='expectation_key')],
                'constraints': [models.UniqueConstraint(fields=('pairing', 'entry'), name='expectation_once')],
            },
        ),
        migrations.CreateModel(
            name='Feed',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('side', models.CharField(choices=[('ours', 'Ours'), ('gateway', 'Gateway'), ('ho', 'Head Office')], max_length=8)),
                ('source', models.CharField(max_length=24)),
                ('schedule', models.CharField(blank=True, max_length=64)),
                ('cut_off', models.TimeField(default=datetime.time(0, 0))),
                ('complete_up_to', models.DateTimeField(blank=True, null=True)),
                ('health', models.CharField(choices=[('never', 'Never loaded'), ('well', 'Well'), ('late', 'Late'), ('broken', 'Broken')], default='never', max_length=8)),
                ('said', models.CharField(blank=True, max_length=300)),
                ('is_active', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('cursor', models.CharField(blank=True, max_length=80)),
                ('read_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('side', 'source'), name='feed_once'), models.CheckConstraint(condition=models.Q(('side__in', ['ours', 'gateway', 'ho'])), name='feed_side_known')],
            },
        ),
        migrations.CreateModel(
            name='Load',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('layout', models.CharField(blank=True, max_length=64)),
                ('digest', models.BinaryField(default=b'', max_length=32)),
                ('state', models.CharField(choices=[('reading', 'Reading'), ('loaded', 'Loaded'), ('held', 'Held'), ('refused', 'Refused'), ('dropped', 'Thrown away')], default='reading', max_length=8)),
                ('reason', models.CharField(blank=True, max_length=400)),
                ('actor', models.CharField(blank=True, max_length=80)),
                ('lines', models.IntegerField(default=0)),
                ('new', models.IntegerField(default=0)),
                ('known', models.IntegerField(default=0)),
                ('quarantined', models.IntegerField(default=0)),
                ('totals', models.JSONField(default=dict)),
                ('control', models.JSONField(default=dict)),
                ('first_entry', models.BigIntegerField(blank=True, null=True)),
                ('last_entry', models.BigIntegerField(blank=True, null=True)),
                ('complete_up_to', models.DateTimeField(blank=True, null=True)),
                ('started_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('feed', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='loads', to='reconciliation.feed')),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('file', models.CharField(blank=True, max_length=120)),
                ('is_released', models.BooleanField(default=False)),
                ('mapping', models.JSONField(blank=True, default=dict)),
                ('notes', models.JSONField(blank=True, default=list)),
                ('problems', models.JSONField(blank=True, default=list)),
                ('read', models.IntegerField(default=0)),
                ('read_at', models.DateTimeField(blank=True, null=True)),
                ('size', models.BigIntegerField(default=0)),
                ('stated', models.JSONField(blank=True, default=dict)),
            ],
            options={
                'indexes': [models.Index(fields=['-started_at', '-id'], name='load_newest'), models.Index(fields=['feed', '-id'], name='load_of_feed'), models.Index(fields=['digest'], name='load_digest'), models.Index(condition=models.Q(('last_entry__isnull', False)), fields=['last_entry'], name='load_last_entry'), models.Index(condition=models.Q(('state', 'reading')), fields=['id'], name='load_reading'), models.Index(condition=models.Q(('state', 'held')), fields=['-id'], name='load_held')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['reading', 'loaded', 'held', 'refused', 'dropped'])), name='load_state_known')],
            },
        ),
        migrations.CreateModel(
            name='Entry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('side', models.CharField(choices=[('ours', 'Ours'), ('gateway', 'Gateway'), ('ho', 'Head Office')], db_collation='C', max_length=8)),
                ('source', models.CharField(blank=True, db_collation='C', max_length=24)),
                ('kind', models.CharField(choices=[('payment', 'Payment'), ('refund', 'Refund'), ('reversal', 'Reversal'), ('fee', 'Fee'), ('adjustment', 'Adjustment'), ('payout', 'Payout')], db_collation='C', max_length=10)),
                ('reference', models.CharField(blank=True, db_collation='C', max_length=80)),
                ('external_reference', models.CharField(blank=True, db_collation='C', max_length=80)),
                ('order_reference', models.CharField(blank=True, db_collation='C', max_length=64)),
                ('batch', models.CharField(blank=True, db_collation='C', max_length=64)),
                ('amount', models.BigIntegerField()),
                ('currency', models.CharField(db_collation='C', max_length=3)),
                ('method', models.CharField(blank=True, db_collation='C', max_length=24)),
                ('occurred_at', models.DateTimeField()),
                ('business_date', models.DateField()),
                ('status', models.CharField(choices=[('settled', 'Settled'), ('pending', 'Pending'), ('void', 'Void')], db_collation='C', default='settled', max_length=8)),
                ('occurrence', models.IntegerField(default=1)),
                ('line', models.IntegerField(default=0)),
                ('load', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='reconciliation.load')),
                ('counts_as', models.GeneratedField(db_persist=True, expression=models.Case(models.When(models.Q(('kind__in', ('fee', 'payout')), ('status', 'settled')), then=models.Value(4)), models.When(models.Q(('kind__in', ('fee', 'payout'))), then=models.Value(5)), models.When(status='pending', then=models.Value(3)), models.When(status='void', then=models.Value(2)), models.When(kind='payment', then=models.Value(0)), default=models.Value(1)), output_field=models.SmallIntegerField())),
                ('mark', models.GeneratedField(db_persist=True, expression=models.Func(models.Func(models.F('kind'), models.F('status'), models.F('reference'), models.F('external_reference'), models.F('source'), django.db.models.functions.comparison.Cast(models.Func(models.Value('epoch'), models.Func(models.Value('UTC'), models.F('occurred_at'), function='timezone', output_field=models.DateTimeField()), function='pg_catalog.extract', output_field=models.DecimalField()), models.TextField()), django.db.models.functions.comparison.Cast('occurrence', models.TextField()), arg_joiner=' || chr(31) || ', output_field=models.TextField(), template='%(expressions)s'), models.Value(0), function='hashtextextended', output_field=models.BigIntegerField()), output_field=models.BigIntegerField())),
            ],
            options={
                'indexes': [models.Index(fields=['side', 'business_date', 'id'], name='entry_by_day'), models.Index(condition=models.Q(('side__in', ('ours', 'gateway'))), fields=['side', 'reference', 'currency'], include=('amount', 'counts_as', 'business_date', 'source'), name='entry_by_reference'), models.Index(condition=models.Q(('side', 'gateway'), models.Q(('batch', ''), _negated=True)), fields=['batch'], name='entry_of_batch'), models.Index(condition=models.Q(('kind', 'payout')), fields=['batch'], name='entry_payout')],
                'constraints': [models.UniqueConstraint(fields=('side', 'order_reference', 'currency', 'amount', 'mark'), include=('counts_as', 'business_date'), name='entry_once')],
            },
        ),
        migrations.CreateModel(
            name='QuarantinedRow',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('line', models.IntegerField()),
                ('reason', models.CharField(max_length=300)),
                ('raw', models.TextField()),
                ('load', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='quarantine', to='reconciliation.load')),
                ('part', models.CharField(blank=True, max_length=200)),
                ('problem', models.JSONField(default=dict)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('load', 'part', 'line'), name='quarantine_line_once')],
            },
        ),
        migrations.CreateModel(
            name='Rules',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.IntegerField(unique=True)),
                ('tolerance', models.IntegerField(default=50)),
                ('tolerance_by_currency', models.JSONField(blank=True, default=dict)),
                ('tolerance_percent', models.IntegerField(default=0)),
                ('open_order_hours', models.IntegerField(default=24)),
                ('actor', models.CharField(blank=True, max_length=80)),
                ('note', models.CharField(blank=True, max_length=400)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('patience_days', models.IntegerField(default=30)),
                ('known', models.JSONField(blank=True, default=list)),
                ('tariffs', models.JSONField(blank=True, default=list)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('tolerance__gte', 0), ('tolerance_percent__gte', 0), ('tolerance_percent__lte', 10000)), name='rules_tolerance_sane')],
            },
        ),
        migrations.CreateModel(
            name='Run',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(choices=[('changes', 'What changed'), ('window', 'Some days'), ('full', 'Everything')], max_length=8)),
                ('window_from', models.DateField(blank=True, null=True)),
                ('window_to', models.DateField(blank=True, null=True)),
                ('is_dry', models.BooleanField(default=False)),
                ('engine', models.CharField(default='postgresql', max_length=16)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('running', 'Running'), ('done', 'Done'), ('failed', 'Failed')], default='running', max_length=8)),
                ('actor', models.CharField(blank=True, max_length=80)),
                ('up_to_entry', models.BigIntegerField(default=0)),
                ('phases', models.JSONField(default=list)),
                ('summary', models.JSONField(default=dict)),
                ('digest', models.CharField(blank=True, max_length=64)),
                ('said', models.CharField(blank=True, max_length=400)),
                ('started_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('rules', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='reconciliation.rules')),
                ('trial', models.JSONField(blank=True, default=dict)),
                ('tries', models.SmallIntegerField(default=0)),
            ],
            options={
                'indexes': [models.Index(fields=['-started_at', '-id'], name='run_newest'), models.Index(condition=models.Q(('state__in', ('waiting', 'running'))), fields=['id'], name='run_not_ended')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'running', 'done', 'failed'])), name='run_state_known')],
            },
        ),
        migrations.CreateModel(
            name='Break',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pairing', models.CharField(choices=[('ho', 'Ours against Head Office'), ('gateway', 'Ours against the gateways')], max_length=8)),
                ('identity', models.CharField(db_collation='C', max_length=240)),
                ('type', models.CharField(choices=[('missing_in_ho', 'Missing at Head Office'), ('ho_without_payment', 'At Head Office without a payment'), ('missing_at_gateway', 'Missing at the gateway'), ('gateway_without_payment', 'At the gateway, not in our ledger'), ('amount_differs', 'Amount differs'), ('currency_differs', 'Currency differs'), ('status_differs', 'Status differs'), ('duplicate_charge', 'Charged twice'), ('duplicate_charge_across', 'Charged twice, by two gateways'), ('duplicate_in_ho', 'Twice at Head Office'), ('refund_missing_in_ho', 'Refund missing at Head Office'), ('refund_exceeds_paid', 'More refunded than paid'), ('late_reversal', 'Reversed after it was settled'), ('fee_differs', 'Fee differs'), ('payout_differs', 'Payout differs'), ('ambiguous', 'Ambiguous'), ('invalid_row', 'Unreadable line')], max_length=24)),
                ('state', models.CharField(choices=[('open', 'Open'), ('healed', 'Healed'), ('resolved', 'Resolved')], default='open', max_length=8)),
                ('is_timing', models.BooleanField(default=False)),
                ('order_reference', models.CharField(blank=True, db_collation='C', max_length=64)),
                ('reference', models.CharField(blank=True, db_collation='C', max_length=80)),
                ('source', models.CharField(blank=True, max_length=24)),
                ('gateway', models.CharField(blank=True, max_length=24)),
                ('method', models.CharField(blank=True, max_length=24)),
                ('cause', models.CharField(blank=True, max_length=120)),
                ('currency', models.CharField(max_length=3)),
                ('ours_amount', models.BigIntegerField(default=0)),
                ('theirs_amount', models.BigIntegerField(default=0)),
                ('difference', models.BigIntegerField(default=0)),
                ('exposure', models.BigIntegerField(default=0)),
                ('ours', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None)),
                ('theirs', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None)),
                ('occurred_at', models.DateTimeField()),
                ('business_date', models.DateField()),
                ('found_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('healed_by', models.BigIntegerField(blank=True, null=True)),
                ('resolution', models.CharField(blank=True, max_length=40)),
                ('owner', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('case', models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='breaks', to='reconciliation.case')),
                ('found_by', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='reconciliation.run')),
                ('seen_by', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='reconciliation.run')),
                ('key', models.CharField(blank=True, db_collation='C', max_length=80)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state', 'open')), fields=['occurred_at', 'id'], name='break_open'), models.Index(condition=models.Q(('state', 'open')), fields=['case', 'occurred_at', 'id'], name='break_of_case'), models.Index(fields=['business_date', 'pairing'], name='break_of_day'), models.Index(fields=['order_reference'], name='break_of_order'), models.Index(fields=['found_by'], name='break_found_by'), models.Index(condition=models.Q(('state', 'open')), fields=['type', 'occurred_at', 'id'], name='break_open_type'), models.Index(condition=models.Q(('owner__isnull', False)), fields=['owner', 'occurred_at', 'id'], name='break_owner'), models.Index(condition=models.Q(('state', 'open'), _negated=True), fields=['state', 'occurred_at', 'id'], name='break_closed'), models.Index(condition=models.Q(('state', 'healed'), _negated=True), fields=['pairing', 'key'], name='break_key_not_healed'), models.Index(condition=models.Q(('exposure__gte', 1000000), ('state', 'open')), fields=['exposure'], name='break_open_large'), models.Index(condition=models.Q(('is_timing', True), ('state', 'open')), fields=['pairing'], name='break_timing')],
                'constraints': [models.UniqueConstraint(fields=('pairing', 'identity'), name='break_once'), models.CheckConstraint(condition=models.Q(('state__in', ['open', 'healed', 'resolved'])), name='break_state_known')],
            },
        ),
        migrations.CreateModel(
            name='Match',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pairing', models.CharField(choices=[('ho', 'Ours against Head Office'), ('gateway', 'Ours against the gateways')], max_length=8)),
                ('rule', models.CharField(choices=[('exact', 'One line each, same amount'), ('exact_timing', 'One line each, same amount, another business day'), ('reference', 'Same payment reference'), ('order_amount', 'Same order and amount'), ('tolerance', 'Same order, amount within tolerance'), ('known_difference', 'Known difference, approved by two people'), ('group', 'Sums agree'), ('group_tolerance', 'Sums agree within tolerance'), ('nets_to_zero', 'Cancels out in its own book'), ('batch', 'Batch sums agree'), ('look_alike', 'Same amount, day and method; unique'), ('by_hand', 'Linked by hand')], max_length=16)),
                ('key', models.CharField(db_collation='C', max_length=80)),
                ('currency', models.CharField(max_length=3)),
                ('ours', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None)),
                ('theirs', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None)),
                ('ours_amount', models.BigIntegerField()),
                ('theirs_amount', models.BigIntegerField()),
                ('difference', models.BigIntegerField()),
                ('is_timing', models.BooleanField(default=False)),
                ('run', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='reconciliation.run')),
                ('known', models.CharField(blank=True, db_default='', default='', max_length=16)),
                ('business_date', models.DateField(blank=True, null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['pairing', 'key'], name='match_key'), models.Index(condition=models.Q(('rule__in', ('look_alike', 'batch', 'by_hand'))), fields=['pairing', 'rule', 'business_date'], name='match_of_day')],
            },
        ),
        migrations.CreateModel(
            name='BreakEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verb', models.CharField(choices=[('change', 'Changed'), ('heal', 'Healed'), ('reopen', 'Came back'), ('assign', 'Assigned'), ('note', 'Note'), ('resolve', 'Resolved')], max_length=8)),
                ('actor', models.CharField(max_length=80)),
                ('reason', models.CharField(blank=True, max_length=400)),
                ('detail', models.JSONField(blank=True, default=dict)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('of', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='reconciliation.break')),
                ('run', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='reconciliation.run')),
            ],
        ),
        migrations.CreateModel(
            name='RunTotal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pairing', models.CharField(choices=[('ho', 'Ours against Head Office'), ('gateway', 'Ours against the gateways')], max_length=8)),
                ('side', models.CharField(choices=[('ours', 'Ours'), ('gateway', 'Gateway'), ('ho', 'Head Office')], max_length=8)),
                ('currency', models.CharField(max_length=3)),
                ('outcome', models.CharField(choices=[('matched', 'Matched'), ('break', 'Break'), ('expected', 'Expected'), ('excluded', 'Excluded')], max_length=8)),
                ('why', models.CharField(max_length=24)),
                ('lines', models.BigIntegerField()),
                ('amount', models.DecimalField(decimal_places=0, max_digits=30)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='totals', to='reconciliation.run')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('run', 'pairing', 'side', 'currency', 'outcome', 'why'), name='run_total_once')],
            },
        ),
        migrations.CreateModel(
            name='LayoutVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=40)),
                ('number', models.IntegerField()),
                ('data', models.JSONField()),
                ('actor', models.CharField(max_length=80)),
                ('note', models.CharField(blank=True, max_length=400)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('name', 'number'), name='layout_version_once')],
            },
        ),
        migrations.CreateModel(
            name='LoadEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verb', models.CharField(choices=[('receive', 'Received'), ('hold', 'Held'), ('refuse', 'Refused'), ('load', 'Loaded'), ('release', 'Released'), ('reread', 'Read again'), ('drop', 'Thrown away')], max_length=8)),
                ('actor', models.CharField(max_length=80)),
                ('reason', models.CharField(blank=True, max_length=400)),
                ('detail', models.JSONField(blank=True, default=dict)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('load', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='reconciliation.load')),
            ],
        ),
        migrations.CreateModel(
            name='BookEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('subject', models.CharField(db_collation='C', max_length=40)),
                ('verb', models.CharField(max_length=16)),
                ('actor', models.CharField(max_length=80)),
                ('reason', models.CharField(blank=True, max_length=400)),
                ('detail', models.JSONField(blank=True, default=dict)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
            ],
            options={
                'indexes': [models.Index(fields=['subject', 'id'], name='book_event_subject')],
            },
        ),
        migrations.CreateModel(
            name='HandLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('pairing', models.CharField(choices=[('ho', 'Ours against Head Office'), ('gateway', 'Ours against the gateways')], max_length=8)),
                ('ours', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None)),
                ('theirs', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None)),
                ('currency', models.CharField(max_length=3)),
                ('ours_amount', models.BigIntegerField()),
                ('theirs_amount', models.BigIntegerField()),
                ('difference', models.BigIntegerField()),
                ('state', models.CharField(choices=[('proposed', 'Waits for a second person'), ('linked', 'Linked'), ('refused', 'Refused'), ('undone', 'Taken back')], max_length=8)),
                ('proposer', models.CharField(max_length=80)),
                ('reason', models.CharField(max_length=400)),
                ('approver', models.CharField(blank=True, max_length=80)),
                ('first_day', models.DateField()),
                ('last_day', models.DateField()),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('match', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='reconciliation.match')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['proposed', 'linked', 'refused', 'undone'])), name='link_state_known'), models.CheckConstraint(condition=models.Q(('approver', models.F('proposer')), _negated=True), name='link_two_people')],
            },
        ),
        migrations.CreateModel(
            name='RunSchedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('scope', models.CharField(choices=[('changes', 'What changed'), ('window', 'Some days'), ('full', 'Everything')], default='changes', max_length=8)),
                ('rule', models.CharField(max_length=24)),
                ('weekdays', models.CharField(default='1234567', max_length=7)),
                ('is_active', models.BooleanField(default=True)),
                ('next_at', models.DateTimeField()),
                ('version', models.IntegerField(default=1)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('last', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='reconciliation.run')),
            ],
        ),
        migrations.CreateModel(
            name='CarriedLine',
            fields=[
                ('entry', models.BigIntegerField(primary_key=True, serialize=False)),
                ('from_day', models.DateField()),
                ('to_day', models.DateField()),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
            ],
            options={
                'indexes': [models.Index(fields=['to_day'], name='carried_to'), models.Index(fields=['from_day'], name='carried_from')],
            },
        ),
        migrations.CreateModel(
            name='Day',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('date', models.DateField(unique=True)),
                ('state', models.CharField(choices=[('open', 'Open'), ('signed', 'Signed'), ('locked', 'Locked'), ('reopen_asked', 'Reopening asked for')], default='open', max_length=12)),
                ('up_to_entry', models.BigIntegerField(default=0)),
                ('lines_digest', models.CharField(blank=True, max_length=64)),
                ('digest', models.CharField(blank=True, max_length=64)),
                ('computed_at', models.DateTimeField(blank=True, null=True)),
                ('signed_by', models.CharField(blank=True, max_length=80)),
                ('signed_at', models.DateTimeField(blank=True, null=True)),
                ('note', models.CharField(blank=True, max_length=400)),
                ('locked_by', models.CharField(blank=True, max_length=80)),
                ('locked_at', models.DateTimeField(blank=True, null=True)),
                ('asked_by', models.CharField(blank=True, max_length=80)),
                ('asked_for', models.CharField(blank=True, max_length=400)),
                ('decided_by', models.CharField(blank=True, max_length=80)),
                ('run', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='reconciliation.run')),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['open', 'signed', 'locked', 'reopen_asked'])), name='day_state_known'), models.CheckConstraint(condition=models.Q(('decided_by', ''), models.Q(('decided_by', models.F('asked_by')), _negated=True), _connector='OR'), name='day_reopened_by_a_second_person')],
            },
        ),
        migrations.CreateModel(
            name='DayEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('verb', models.CharField(max_length=12)),
                ('actor', models.CharField(max_length=80)),
                ('reason', models.CharField(blank=True, max_length=400)),
                ('detail', models.JSONField(blank=True, default=dict)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('day', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='events', to='reconciliation.day')),
            ],
        ),
        migrations.CreateModel(
            name='DayFigure',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('gateway', models.CharField(blank=True, max_length=24)),
                ('currency', models.CharField(max_length=3)),
                ('book', models.CharField(choices=[('gateway', "The gateway's book"), ('to_ours', 'From the gateway to our ledger'), ('ours', 'Our ledger'), ('to_ho', 'From our ledger to Head Office'), ('ho', "Head Office's book")], max_length=8)),
                ('step', models.CharField(max_length=24)),
                ('lines', models.IntegerField()),
                ('amount', models.BigIntegerField()),
                ('day', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='figures', to='reconciliation.day')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('day', 'gateway', 'currency', 'book', 'step'), name='day_figure_once')],
            },
        ),
        migrations.CreateModel(
            name='DayItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('gateway', models.CharField(blank=True, max_length=24)),
                ('currency', models.CharField(max_length=3)),
                ('book', models.CharField(choices=[('gateway', "The gateway's book"), ('to_ours', 'From the gateway to our ledger'), ('ours', 'Our ledger'), ('to_ho', 'From our ledger to Head Office'), ('ho', "Head Office's book")], max_length=8)),
                ('step', models.CharField(max_length=24)),
                ('name', models.CharField(blank=True, max_length=80)),
                ('amount', models.BigIntegerField()),
                ('entries', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, size=None)),
                ('found', models.BigIntegerField(blank=True, null=True)),
                ('carried_from', models.DateField(blank=True, null=True)),
                ('day', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='items', to='reconciliation.day')),
            ],
            options={
                'indexes': [models.Index(fields=['day', 'book', 'step', 'id'], name='day_item_of_step')],
            },
        ),
        migrations.CreateModel(
            name='ReportFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('report', models.CharField(max_length=24)),
                ('wanted', models.JSONField(default=dict)),
                ('actor', models.CharField(max_length=80)),
                ('state', models.CharField(choices=[('waiting', 'Being written'), ('done', 'Ready'), ('failed', 'Failed'), ('expired', 'Expired')], default='waiting', max_length=8)),
                ('said', models.CharField(blank=True, max_length=200)),
                ('rows', models.IntegerField(default=0)),
                ('size', models.BigIntegerField(default=0)),
                ('file', models.CharField(blank=True, max_length=80)),
                ('asked_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('told_at', models.DateTimeField(blank=True, null=True)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('format', models.CharField(choices=[('xlsx', 'Spreadsheet (XLSX)'), ('csv', 'CSV')], db_default='xlsx', default='xlsx', max_length=4)),
            ],
            options={
                'indexes': [models.Index(fields=['actor', '-id'], name='report_file_of'), models.Index(condition=models.Q(('state', 'waiting')), fields=['id'], name='report_file_waits'), models.Index(condition=models.Q(('state', 'done')), fields=['expires_at'], name='report_file_done')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'done', 'failed', 'expired'])), name='file_state_known')],
            },
        ),
        migrations.CreateModel(
            name='BreakTotal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('hour', models.DateTimeField()),
                ('business_date', models.DateField()),
                ('currency', models.CharField(max_length=3)),
                ('breaks', models.BigIntegerField()),
                ('money', models.DecimalField(decimal_places=0, max_digits=30)),
            ],
            options={
                'indexes': [models.Index(fields=['business_date'], name='break_total_day')],
            },
        ),
        migrations.CreateModel(
            name='ReportSchedule',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('report', models.CharField(max_length=24)),
                ('wanted', models.JSONField(blank=True, default=dict)),
                ('days', models.SmallIntegerField(default=1)),
                ('recipients', django.contrib.postgres.fields.ArrayField(base_field=models.EmailField(max_length=254), size=None)),
                ('rule', models.CharField(max_length=24)),
                ('weekdays', models.CharField(default='1234567', max_length=7)),
                ('language', models.CharField(max_length=8)),
                ('format', models.CharField(choices=[('xlsx', 'Spreadsheet (XLSX)'), ('csv', 'CSV')], default='xlsx', max_length=4)),
                ('is_active', models.BooleanField(default=True)),
                ('next_at', models.DateTimeField()),
                ('version', models.IntegerField(default=1)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('format__in', ['xlsx', 'csv'])), name='mailing_format_known'), models.CheckConstraint(condition=models.Q(('days__gte', 1), ('days__lte', 92)), name='mailing_days_in_reason')],
            },
        ),
        migrations.CreateModel(
            name='ReportSending',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('cause', models.CharField(max_length=60)),
                ('actor', models.CharField(max_length=80)),
                ('recipients', django.contrib.postgres.fields.ArrayField(base_field=models.EmailField(max_length=254), size=None)),
                ('language', models.CharField(max_length=8)),
                ('began_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('mailed_at', models.DateTimeField(blank=True, null=True)),
                ('file', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='sending', to='reconciliation.reportfile')),
                ('schedule', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sendings', to='reconciliation.reportschedule')),
            ],
            options={
                'indexes': [models.Index(fields=['schedule', '-id'], name='sending_of_schedule'), models.Index(condition=models.Q(('mailed_at__isnull', True)), fields=['id'], name='sending_unmailed')],
                'constraints': [models.UniqueConstraint(fields=('schedule', 'cause'), name='sending_once')],
            },
        ),
        migrations.CreateModel(
            name='ReportMail',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('due_at', models.DateTimeField(blank=True, null=True)),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('token', models.BigIntegerField(db_default=0, default=0)),
                ('tries', models.SmallIntegerField(db_default=0, default=0)),
                ('last_error', models.TextField(blank=True, db_default='', default='')),
                ('address', models.EmailField(max_length=254)),
                ('state', models.CharField(choices=[('queued', 'Waiting'), ('unknown', 'Unanswered'), ('sent', 'Sent'), ('delivered', 'Delivered'), ('bounced', 'Bounced'), ('failed', 'Not sent')], default='queued', max_length=9)),
                ('hop', models.SmallIntegerField(default=0)),
                ('provider', models.CharField(blank=True, max_length=24)),
                ('provider_reference', models.CharField(blank=True, max_length=80)),
                ('has_link', models.BooleanField(default=False)),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ('sending', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mails', to='reconciliation.reportsending')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='mail_due')],
                'constraints': [models.UniqueConstraint(fields=('sending', 'address'), name='mail_once'), models.CheckConstraint(condition=models.Q(('state__in', ['queued', 'unknown', 'sent', 'delivered', 'bounced', 'failed'])), name='mail_state_known')],
            },
        ),
        migrations.RunSQL(business_day.FUNCTION, migrations.RunSQL.noop),
        migrations.RunSQL(IMMUTABLE, MUTABLE),
        migrations.RunSQL(GUARDS, FREE),
        migrations.RunSQL(TWO_PEOPLE, ONE_IS_ENOUGH),
        migrations.RunSQL(KEEP, LET_GO),
    ]
