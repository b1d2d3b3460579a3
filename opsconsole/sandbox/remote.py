"""A running sandbox from outside: what the traffic driver, scenarios and tests speak to it with."""

import ssl
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from types import TracebackType
from typing import Any, Self

import httpx

SECONDS = 10.0
NobodyAnswers = httpx.TransportError


class SandboxSaidNo(Exception):
    """The control API refused; the message is its own."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status} {detail}")
        self.status, self.detail = status, detail


@cache
def _tls() -> ssl.SSLContext:
    """One for all: a client of its own reads the certificates again, tens of milliseconds each time."""
    return ssl.create_default_context()


class RemoteSandbox:
    """`with RemoteSandbox("http://127.0.0.1:8100") as sandbox: sandbox.pay("MRG-1")`.

    Thread-safe. Every verb raises SandboxSaidNo when refused, NobodyAnswers when nothing does.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=SECONDS, verify=_tls())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def faults(self, neighbour: str, **given: Any) -> Any:
        """Change some faults; names and units are those of `opsconsole.sandbox.faults.Faults`."""
        return self._said("PATCH", f"/faults/{neighbour}", json=given)

    def no_faults(self) -> None:
        self._said("DELETE", "/faults")

    def plan(self, reference: str, *behaviours: Mapping[str, Any]) -> None:
        """The exact fate of whatever bears this reference: an order, an attempt, a phone."""
        self.plans({reference: behaviours})

    def plans(self, plans: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        """Many at once; a plan replaces the earlier one of its reference."""
        body = {reference: list(behaviours) for reference, behaviours in plans.items()}
        self._said("POST", "/plan", json=body)

    def no_plans(self) -> None:
        self._said("DELETE", "/plan")

    def pay(self, reference: str, *, outcome: str = "pay", **given: Any) -> Any:
        """What the customer does at the gateway: pay, pick, fail, expire, settle, reverse."""
        body = {"reference": reference, "outcome": outcome, **given}
        return self._said("POST", "/pay", json=body)["payment"]

    def forge(self, reference: str) -> None:
        """A callback with a right signature and the opposite of the truth."""
        self._said("POST", "/forge", json={"reference": reference})

    def trip(self, reference: str, *, event: str) -> Any:
        """Let an event of a trip happen now: assigned, picked_up, completed, cancelled_by_driver."""
        return self._said("POST", "/trip", json={"reference": reference, "event": event})

    def books(self, neighbour: str, *, since: int = 0) -> Any:
        """What the neighbour has written: its rows by kind, and `effects` after `since`."""
        return self._said("GET", f"/books/{neighbour}", params={"since": since})

    def report(self, gateway: str, day: date) -> bytes:
        """The gateway's settlement report of that business day, as it would come by mail. Raises SandboxSaidNo."""
        response = self._client.get(f"/reports/{gateway}", params={"date": day.isoformat()})
        if response.status_code != httpx.codes.OK:
            raise SandboxSaidNo(response.status_code, str(response.json().get("detail")))
        return response.content

    def no_books(self) -> None:
        self._said("DELETE", "/books")

    def stats(self) -> Any:
        return self._said("GET", "/stats")

    def speed(self, speed: float) -> None:
        """Simulated seconds per second, for what is scheduled from now on."""
        self._said("PUT", "/speed", json={"speed": speed})

    def _said(self, method: str, path: str, **given: Any) -> Any:
        response = self._client.request(method, path, **given)
        if response.status_code != httpx.codes.OK:
            raise SandboxSaidNo(response.status_code, str(response.json().get("detail")))
        return response.json()
