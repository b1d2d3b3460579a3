"""The control page and API on offset 0: faults, plans, books, and the customers' clicks."""

from collections.abc import Awaitable, Callable
from datetime import date, datetime
from html import escape
from typing import Any

from opsconsole.sandbox.faults import UnknownFault
from opsconsole.sandbox.fleet import Fleet
from opsconsole.sandbox.http11 import Answer, Request, Response, answer, page, see_other
from opsconsole.sandbox.neighbour import Found, Neighbour, Route, route
from opsconsole.sandbox.offices import PROVIDERS, Notification
from opsconsole.sandbox.payments import PaymentGateway, Refused
from opsconsole.sandbox.plans import BadPlan
from opsconsole.sandbox.reports import WIB, report
from opsconsole.sandbox.world import World

CLICKS = ("latency", "error_rate", "timeout_after_success")
CALLBACK_CLICKS = ("drop", "double", "delay", "reorder", "forge")


class Problem(Exception):
    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class Control(Neighbour):
    name = "control"

    def __init__(
        self,
        world: World,
        *,
        neighbours: dict[str, Neighbour],
        apply_down: Callable[[], Awaitable[None]],
    ) -> None:
        self.neighbours = neighbours
        self.apply_down = apply_down
        self.world = world
        self.routes = self.make_routes()

    def make_routes(self) -> list[Route]:
        return [
            route("GET", "/", "page", run=self._page),
            route("POST", "/faults-form/<name>", "page", run=self._form),
            route("POST", "/calm-form", "page", run=self._calm),
            route("POST", "/providers-form/<name>", "page", run=self._switch_provider),
            route(
                "GET",
                "/health",
                "health",
                run=lambda request, found: answer({"ok": True}),
            ),
            route("GET", "/faults", "faults", run=self._faults),
            route("DELETE", "/faults", "faults", run=self._no_faults),
            route("GET", "/faults/<name>", "faults", run=self._faults_of),
            route("PUT", "/faults/<name>", "faults", run=self._set_faults),
            route("PATCH", "/faults/<name>", "faults", run=self._set_faults),
            route("GET", "/plan", "plan", run=self._plans),
            route("POST", "/plan", "plan", run=self._set_plans),
            route("DELETE", "/plan", "plan", run=self._no_plans),
            route("POST", "/pay", "pay", run=self._pay),
            route("POST", "/forge", "forge", run=self._forge),
            route("POST", "/trip", "trip", run=self._trip),
            route("GET", "/books/<name>", "books", run=self._books),
            route("DELETE", "/books", "books", run=self._no_books),
            route("GET", "/reports/<name>", "reports", run=self._report),
            route("GET", "/stats", "stats", run=self._stats),
            route("PUT", "/speed", "speed", run=self._speed),
        ]

    async def handle(self, request: Request) -> Answer:
        try:
            said = await super().handle(request)
            await self.apply_down()
            return said
        except Problem as problem:
            return answer({"detail": problem.detail}, problem.status)
        except (UnknownFault, BadPlan) as error:
            return answer({"detail": str(error)}, 422)
        except Refused as refused:
            return answer({"detail": refused.message, "code": refused.code}, refused.status)

    def _neighbour(self, name: str) -> Neighbour:
        if name not in self.neighbours:
            raise Problem(404, f"no neighbour is called {name}")
        return self.neighbours[name]

    # Faults.

    def _faults(self, request: Request, found: Found) -> Response:
        return answer({name: self.world.faults(name).as_json() for name in self.neighbours})

    def _faults_of(self, request: Request, found: Found) -> Response:
        return answer(self.world.faults(self._neighbour(found["name"]).name).as_json())

    def _set_faults(self, request: Request, found: Found) -> Response:
        """PUT names all faults there are, PATCH changes some."""
        name = self._neighbour(found["name"]).name
        faults = self.world.set_faults(name, request.json(), afresh=request.method == "PUT")
        return answer(faults.as_json())

    def _no_faults(self, request: Request, found: Found) -> Response:
        for name in self.neighbours:
            self.world.set_faults(name, {}, afresh=True)
        return self._faults(request, found)

    def _calm(self, request: Request, found: Found) -> Response:
        """The incident is over: every neighbour is well again, to every order."""
        self._no_faults(request, found)
        self._no_plans(request, found)
        return see_other("/")

    # Plans.

    def _plans(self, request: Request, found: Found) -> Response:
        return answer(self.world.plans.as_json(request.query.get("reference")))

    def _set_plans(self, request: Request, found: Found) -> Response:
        """`{reference: [behaviour, ...], ...}`; an empty list takes a plan away."""
        plans = request.json()
        if not all(isinstance(behaviours, list) for behaviours in plans.values()):
            raise Problem(422, "a plan is a list of behaviours")
        for reference, behaviours in plans.items():
            self.world.set_plan(reference, behaviours)
        return answer({"plans": len(plans)})

    def _no_plans(self, request: Request, found: Found) -> Response:
        self.world.clear_plans()
        return answer({"plans": 0})

    # What people outside do.

    def _gateways(self) -> list[PaymentGateway]:
        return [each for each in self.neighbours.values() if isinstance(each, PaymentGateway)]

    def _payment(self, wanted: dict[str, Any]) -> tuple[PaymentGateway, dict[str, Any]]:
        """The newest payment under a reference, an unpaid one before the others."""
        reference = str(wanted.get("reference", "")).rpartition("/")[2].rpartition("=")[2]
        gateways = [g for g in self._gateways() if wanted.get("gateway") in (None, g.name)]
        found = [(gateway, gateway.payments[key]) for gateway in gateways for key in gateway.index.get(reference, [])]
        if not found:
            raise Problem(404, f"no payment under {reference!r}")
        wants_unpaid = wanted.get("outcome", "pay") not in ("settle", "reverse")
        return max(
            found,
            key=lambda each: (
                (each[1]["status"] in ("created", "pending")) == wants_unpaid,
                each[1]["created_at"],
            ),
        )

    def _pay(self, request: Request, found: Found) -> Response:
        wanted = request.json()
        gateway, row = self._payment(wanted)
        done = gateway.act(
            row,
            outcome=str(wanted.get("outcome", "pay")),
            amount=wanted.get("amount"),
            currency=wanted.get("currency"),
            force=bool(wanted.get("force", False)),
        )
        return answer({"gateway": gateway.name, "payment": done})

    def _forge(self, request: Request, found: Found) -> Response:
        gateway, row = self._payment(request.json())
        gateway.forge(row)
        return answer({"gateway": gateway.name, "payment": row})

    def _trip(self, request: Request, found: Found) -> Response:
        wanted = request.json()
        for each in self.neighbours.values():
            row = each.find(str(wanted.get("reference"))) if isinstance(each, Fleet) else None
            if row is not None and isinstance(each, Fleet):
                return answer(each.happen(row, event=str(wanted.get("event", "completed"))))
        raise Problem(404, "no such booking")

    # What was done.

    def _books(self, request: Request, found: Found) -> Response:
        digits = request.query.get("since", "0")
        since = int(digits) if digits.isdigit() else 0
        return answer(self.world.books.dump(self._neighbour(found["name"]).name, since=since))

    def _no_books(self, request: Request, found: Found) -> Response:
        self.world.books.clear()
        for each in self.neighbours.values():
            each.routes = each.make_routes()
        return answer({"ok": True})

    def _stats(self, request: Request, found: Found) -> Response:
        return answer(
            {
                "seed": self.world.seed,
                "speed": self.world.speed,
                "app_url": self.world.app_url,
                "urls": self.world.urls,
                "counts": dict(sorted(self.world.stats.items())),
                "callbacks_pending": self._pending(),
            }
        )

    def _pending(self) -> int:
        return sum(
            row["state"] == "pending"
            for name in self.neighbours
            for row in self.world.books.rows(name, "callbacks").values()
        )

    def _speed(self, request: Request, found: Found) -> Response:
        speed = request.json().get("speed")
        if not isinstance(speed, int | float) or speed <= 0:
            raise Problem(422, "speed is a number above 0")
        self.world.speed = float(speed)
        return answer({"speed": self.world.speed})

    # The page.

    def _report(self, request: Request, found: Found) -> Response:
        """A gateway's settlement report of `?date=` (WIB; today where none is given)."""
        gateway = self._neighbour(found["name"])
        if not isinstance(gateway, PaymentGateway):
            raise Problem(404, f"{gateway.name} has no settlement report")
        try:
            day = date.fromisoformat(request.query.get("date") or f"{datetime.now(WIB):%Y-%m-%d}")
        except ValueError:
            raise Problem(422, "a date is wanted as YYYY-MM-DD") from None
        body = report(gateway.name, gateway.payments.values(), day).encode()
        name = f"{gateway.name}-{day}.csv"
        return Response(200, body, "text/csv; charset=utf-8", {"content-disposition": f'attachment; filename="{name}"'})

    def _page(self, request: Request, found: Found) -> Response:
        rows = "".join(self._row(name) for name in self.neighbours)
        providers = "".join(self._provider(each) for names in PROVIDERS.values() for each in names)
        return page(PAGE.format(seed=self.world.seed, speed=self.world.speed, rows=rows, providers=providers))

    def _provider(self, name: str) -> str:
        is_off = name in self.world.faults(Notification.name).providers_off
        return (
            f'<form method="post" action="/providers-form/{name}">'
            f'<button name="off" value="{"" if is_off else "yes"}" aria-pressed="{str(is_off).lower()}">'
            f"{name}: {'off, switch on' if is_off else 'on, switch off'}</button></form>"
        )

    def _switch_provider(self, request: Request, found: Found) -> Response:
        name, faults = found["name"], self.world.faults(Notification.name)
        if not any(name in names for names in PROVIDERS.values()):
            raise Problem(404, f"no provider is called {name}")
        off = {*faults.providers_off} - {name} | ({name} if request.form().get("off") else set())
        self.world.set_faults(Notification.name, {"providers_off": sorted(off)}, afresh=False)
        return see_other("/")

    def _row(self, name: str) -> str:
        faults = self.world.faults(name)
        down = "checked" if faults.down else ""
        cells = [f'<input type="checkbox" name="down" aria-label="{name} down" {down}>']
        cells += [_number(name, each, getattr(faults, each)) for each in CLICKS]
        cells += [_number(name, f"callbacks.{each}", getattr(faults.callbacks, each)) for each in CALLBACK_CLICKS]
        inner = "".join(f"<td>{cell}" for cell in cells)
        url = escape(self.world.urls[name])
        return (
            f'<tr><th scope="row">{name}<td>{url}'
            f'<form id="f-{name}" method="post" action="/faults-form/{name}"></form>{inner}'
            f'<td><button form="f-{name}">Set</button>'
        ).replace("<input", f'<input form="f-{name}"')

    def _form(self, request: Request, found: Found) -> Response:
        name = self._neighbour(found["name"]).name
        form = request.form()
        try:
            given: dict[str, Any] = {each: float(form.get(each) or 0) for each in CLICKS}
            given["callbacks"] = {each: float(form.get(f"callbacks.{each}") or 0) for each in CALLBACK_CLICKS}
        except ValueError:
            raise Problem(422, "a number is wanted") from None
        self.world.set_faults(name, given | {"down": "down" in form}, afresh=False)
        return see_other("/")


def _number(neighbour: str, name: str, value: float) -> str:
    return f'<input name="{name}" aria-label="{neighbour} {name}" value="{value:g}" size="4" inputmode="decimal">'


PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Sandbox</title>
<style>
body {{ font: 13px/1.4 system-ui; margin: 1.5rem }}
.providers {{ display: flex; flex-wrap: wrap; gap: .5rem }}
td, th {{ padding: .25rem .5rem; text-align: left; border-bottom: 1px solid #ddd }}
</style>
<h1>Sandbox</h1>
<p>Seed {seed}, {speed:g} times as fast as the world. Probabilities are 0 to 1, latency is seconds.
More faults, plans and books: docs/sandbox.md.
<p>Settlement reports of today: <a href="/reports/midtrans">Midtrans</a>, <a href="/reports/xendit">Xendit</a>,
<a href="/reports/nicepay">Nicepay</a>; of another day with <code>?date=YYYY-MM-DD</code>.
<form method="post" action="/calm-form"><button>All neighbours are well again</button></form>
<table>
<thead><tr><th scope="col">Neighbour<th scope="col">Address<th scope="col">Down
<th scope="col">Latency<th scope="col">Errors<th scope="col">Time-out after success
<th scope="col">Drop<th scope="col">Double<th scope="col">Delay<th scope="col">Reorder
<th scope="col">Forge<th scope="col"></thead>
<tbody>{rows}</tbody>
</table>
<h2>Providers of the Notification Center</h2>
<div class="providers">{providers}</div>
"""
