import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from opsconsole.console.migrations._roles import WRITE_ROLES


class Migration(migrations.Migration):

    replaces = [
        ('console', '0001_initial'),
        ('console', '0002_roles'),
        ('console', '0003_saved_views_and_bulks'),
        ('console', '0004_limits_right'),
        ('console', '0005_saga_rights'),
        ('console', '0006_loads_right'),
        ('console', '0007_dispatch_right'),
        ('console', '0008_plan_rights'),
        ('console', '0009_letter_rights'),
        ('console', '0010_reconciliation_rights'),
        ('console', '0011_day_rights'),
        ('console', '0012_incident_rights'),
        ('console', '0013_runbook_rights'),
    ]

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('contenttypes', '0002_remove_content_type_name'),
    ]

    operations = [
        migrations.CreateModel(
            name='Access',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
            ],
            options={
                'managed': False,
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Preference',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, serialize=False, to=settings.AUTH_USER_MODEL)),
                ('language', models.CharField(default='en', max_length=5)),
                ('theme', models.CharField(choices=[('system', 'As the system'), ('light', 'Light'), ('dark', 'Dark')], default='system', max_length=6)),
                ('density', models.CharField(choices=[('comfortable', 'Comfortable'), ('compact', 'Compact')], default='comfortable', max_length=11)),
                ('keys', models.BooleanField(default=True)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='SignInTry',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name_digest', models.CharField(max_length=64)),
                ('address', models.GenericIPAddressField()),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'default_permissions': (),
                'indexes': [models.Index(fields=['address', 'at'], name='signin_by_address')],
            },
        ),
        migrations.CreateModel(
            name='Bulk',
            fields=[
                ('key', models.CharField(max_length=32, primary_key=True, serialize=False)),
                ('action', models.CharField(max_length=40)),
                ('reason', models.CharField(max_length=400)),
                ('back', models.CharField(max_length=2000)),
                ('asked', models.IntegerField()),
                ('skipped', models.JSONField(default=list)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=40)),
                ('query', models.CharField(blank=True, max_length=2000)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('deleted_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('pk',),
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(condition=models.Q(('deleted_at__isnull', True)), fields=('user', 'name'), name='saved_view_name_once')],
            },
        ),
        WRITE_ROLES,
    ]
