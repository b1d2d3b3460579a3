"""What the console itself keeps: how a person likes it, and tries to sign in."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Access(models.Model):
    """No table: the home of the permissions named in `roles.py`."""

    class Meta:
        managed = False
        default_permissions = ()

    def __str__(self) -> str:
        return "access"


class Theme(models.TextChoices):
    SYSTEM = "system", _("As the system")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class Density(models.TextChoices):
    COMFORTABLE = "comfortable", _("Comfortable")
    COMPACT = "compact", _("Compact")


class Preference(models.Model):
    """How one person likes the console. `language` is a code of settings.LANGUAGES."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True)
    language = models.CharField(max_length=5, default="en")
    theme = models.CharField(max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    density = models.CharField(max_length=11, choices=Density.choices, default=Density.COMFORTABLE)
    keys = models.BooleanField(default=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"preference of {self.user_id}"


class SignInTry(models.Model):
    """One failed or running try to sign in; a success deletes it.

    The name is kept as a digest: people type passwords into the wrong box.
    """

    name_digest = models.CharField(max_length=64)
    address = models.GenericIPAddressField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()
        indexes = (models.Index(fields=["address", "at"], name="signin_by_address"),)

    def __str__(self) -> str:
        return f"{self.address} {self.at}"


class SavedView(models.Model):
    """A person's own tab of the stuck list: `query` is its filters as they stand in the address.

    A deleted one is kept for a while, so that it can be taken back.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=2000, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    deleted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(
                fields=["user", "name"], name="saved_view_name_once", condition=models.Q(deleted_at__isnull=True)
            ),
        )

    def __str__(self) -> str:
        return self.name


class Bulk(models.Model):
    """One action asked for on many orders at once. What became of it stands with each order's action.

    `key` begins the keys of those actions; `skipped` are the orders it was not asked for on, each with
    the reason, as lists of [order, sentence].
    """

    key = models.CharField(max_length=32, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    action = models.CharField(max_length=40)
    reason = models.CharField(max_length=400)
    back = models.CharField(max_length=2000)
    asked = models.IntegerField()
    skipped = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.action} on {self.asked} orders"
