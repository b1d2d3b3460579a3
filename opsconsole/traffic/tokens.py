"""The bearer tokens that the traffic of this installation orders with: secrets in a file of its owner."""

import json
from pathlib import Path

from django.conf import settings

from orders.services.tokens import holder, issue
from orders.states import Channel

FILE = "traffic-tokens.json"
NAME = "Simulated customers"
ACTOR = "policy:traffic"


def traffic_tokens() -> dict[str, str]:
    """The secret for each channel; made anew where there is none, or where it has been revoked."""
    path = Path(settings.DATA_DIR) / FILE
    known = kept_tokens()
    tokens = {channel: _living(channel, known.get(channel, "")) for channel in Channel.values}
    if tokens != known:
        path.touch(mode=0o600)
        path.write_text(json.dumps(tokens))
    return tokens


def kept_tokens() -> dict[str, str]:
    """What the file has; nothing when there is none."""
    try:
        kept = json.loads((Path(settings.DATA_DIR) / FILE).read_text())
    except (OSError, ValueError):
        return {}
    return {str(channel): str(secret) for channel, secret in kept.items()} if isinstance(kept, dict) else {}


def _living(channel: str, secret: str) -> str:
    if secret and holder(secret):
        return secret
    return issue(channel, name=NAME, actor=ACTOR)[1]
