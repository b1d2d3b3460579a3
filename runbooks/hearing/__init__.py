"""What monitoring systems and pipelines send: is it theirs (`verify`), and what does it say (`read`). Pure.

Facts about each vendor's bytes are in the modules; see docs/alerts.md.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from runbooks.hearing import alertmanager, deploys, grafana, pagerduty
from runbooks.hearing.deploys import Deployed
from runbooks.hearing.heard import Heard, Message, Strange

Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Source:
    """`verify(raw, headers, secret)` says whether it is genuine, `read(raw)` what it says, or raises Strange."""

    verify: Callable[[bytes, Headers, str], bool]
    read: Callable[[bytes], Message | Deployed]


SOURCES: Final[Mapping[str, Source]] = {
    "alertmanager": Source(alertmanager.verify, alertmanager.read),
    "grafana": Source(grafana.verify, grafana.read),
    "pagerduty": Source(pagerduty.verify, pagerduty.read),
    "deploy": Source(alertmanager.verify, deploys.read),  # a pipeline proves itself by a bearer token, too
}

__all__ = ["SOURCES", "Deployed", "Heard", "Message", "Source", "Strange"]
