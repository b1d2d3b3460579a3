"""Bearer tokens of channels. The secret is shown once; only its SHA-256 is kept.

Plain SHA-256 is right here and wrong for passwords: the secret is 256 random bits, so there is
nothing to guess. A stolen table opens nothing.
"""

import hashlib
import secrets

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from orders.errors import NotAllowed
from orders.models import ChannelToken
from orders.states import Channel
from orders.transitions import record

MARK = "mrg_"
SECRET_BYTES = 32
PREFIX_LENGTH = 12
NAME_LENGTH = 80


def issue(channel: str, *, name: str, actor: str) -> tuple[ChannelToken, str]:
    """A new token for `channel` and its secret, which nobody can read again.

    Raises NotAllowed for an unknown channel or a name that is empty or too long.
    """
    name = name.strip()
    if channel not in Channel.values:
        raise NotAllowed(_("There is no such channel."))
    if not 0 < len(name) <= NAME_LENGTH:
        raise NotAllowed(_("A token needs a name of at most %(most)d characters.") % {"most": NAME_LENGTH})
    secret = MARK + secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        token = ChannelToken.objects.create(
            channel=channel,
            name=name,
            prefix=secret[:PREFIX_LENGTH],
            digest=_digest(secret),
            created_by=actor,
        )
        _remember(token, "issue_token", actor=actor)
    return token, secret


def revoke(token: ChannelToken, *, actor: str, reason: str = "") -> None:
    """End `token` from the next request on. Raises NotAllowed where it has ended already."""
    with transaction.atomic():
        living = ChannelToken.objects.filter(pk=token.pk, revoked_at=None)
        if not living.update(revoked_at=Now(), revoked_by=actor):
            raise NotAllowed(_("This token has been revoked already."))
        _remember(token, "revoke_token", actor=actor, reason=reason)
    token.refresh_from_db()


def listed() -> QuerySet[ChannelToken]:
    """All tokens for a screen: living ones first, the newest of each first."""
    return ChannelToken.objects.order_by(F("revoked_at").desc(nulls_first=True), "-id")


def holder(secret: str) -> ChannelToken | None:
    """The living token with this secret, or None."""
    return ChannelToken.objects.filter(digest=_digest(secret), revoked_at=None).first()


def _digest(secret: str) -> str:
    # A header may carry any byte; what is not UTF-8 must be a wrong secret, not an error.
    return hashlib.sha256(secret.encode(errors="surrogateescape")).hexdigest()


def _remember(token: ChannelToken, verb: str, *, actor: str, reason: str = "") -> None:
    detail = {
        "kind": verb,
        "token": token.pk,
        "channel": token.channel,
        "name": token.name,
        "prefix": token.prefix,
    }
    record(None, verb, actor=actor, reason=reason, detail=detail)
