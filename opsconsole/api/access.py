"""Who calls: a channel, by its bearer token."""

from django.http import HttpRequest
from ninja.security import HttpBearer

from orders.models import ChannelToken
from orders.services import tokens


class ChannelBearer(HttpBearer):
    """`Authorization: Bearer <secret>` of a living channel token; found as `request.auth`."""

    def authenticate(self, request: HttpRequest, token: str) -> ChannelToken | None:
        return tokens.holder(token)


def caller(request: HttpRequest) -> ChannelToken:
    """The token of this request; only operations behind ChannelBearer may ask."""
    token = getattr(request, "auth", None)
    if not isinstance(token, ChannelToken):
        raise TypeError("the operation is not behind ChannelBearer")
    return token
