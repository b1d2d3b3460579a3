"""A neighbour: routes, and around each of them the faults of the moment."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass

from opsconsole.sandbox.callbacks import Callbacks, RetryPolicy
from opsconsole.sandbox.http11 import (
    Answer,
    Cut,
    Drip,
    Request,
    Response,
    Silence,
    answer,
)
from opsconsole.sandbox.world import Fate, World

Found = re.Match[str]
Run = Callable[[Request, Found], Response]
Refs = Callable[[Request, Found], list[str]]


def no_references(request: Request, found: Found) -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class Route:
    """`refs` names whom a call is about, so that plans and dice can tell orders apart.

    `is_call` is False for pages that a customer sees: faults leave them alone.
    """

    method: str
    pattern: re.Pattern[str]
    operation: str
    run: Run
    refs: Refs = no_references
    is_call: bool = True


def route(
    method: str,
    path: str,
    operation: str,
    *,
    run: Run,
    refs: Refs = no_references,
    is_call: bool = True,
) -> Route:
    """`path` with `<name>` for a piece between slashes."""
    pattern = re.compile(re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", path))
    return Route(method, pattern, operation, run, refs, is_call)


class Neighbour:
    name: str
    retry_policy: RetryPolicy | None = None

    def __init__(self, world: World, callbacks: Callbacks) -> None:
        self.world = world
        self.callbacks = callbacks
        if self.retry_policy is not None:
            callbacks.policies[self.name] = self.retry_policy
        self.routes = self.make_routes()

    def make_routes(self) -> list[Route]:
        raise NotImplementedError

    def resume(self) -> None:
        """Take up what was under way when the sandbox was stopped."""

    def operation(self, route: Route, request: Request) -> str:
        """What faults and plans know a call by, where one path serves two purposes."""
        return route.operation

    def rejection(self, fate: Fate, *, operation: str) -> Response:
        """A refusal in the neighbour's own words."""
        code = fate.code or "rejected"
        return answer({"code": code, "message": "refused by the sandbox"}, fate.status or 422)

    async def handle(self, request: Request) -> Answer:
        for each in self.routes:
            if each.method != request.method:
                continue
            found = each.pattern.fullmatch(request.path)
            if found is None:
                continue
            try:
                return await self._call(each, request, found)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                return answer({"code": "bad_request", "message": repr(error)}, 400)
        return answer({"code": "no_such_path", "message": request.path}, 404)

    async def _call(self, route: Route, request: Request, found: Found) -> Answer:
        self.world.count(self.name, route.operation)
        if not route.is_call:
            return route.run(request, found)
        operation = self.operation(route, request)
        fate = self.world.fate(self.name, operation=operation, refs=route.refs(request, found))
        if fate.do is not None:
            self.world.count(self.name, operation, fate.do)
        return await self._fated(fate, operation=operation, run=lambda: route.run(request, found))

    async def _fated(self, fate: Fate, *, operation: str, run: Callable[[], Response]) -> Answer:
        if fate.pause:
            await asyncio.sleep(fate.pause)
        if fate.do == "late_effect":
            self.world.later(fate.seconds, lambda: _quietly(run))
            return Silence()
        before = self._before_effect(fate, operation=operation)
        return before if before is not None else _after_effect(fate, response=run())

    def _before_effect(self, fate: Fate, *, operation: str) -> Answer | None:
        match fate.do:
            case "error":
                return answer({"code": "server_error", "message": "no effect"}, 500)
            case "timeout":
                return Silence()
            case "reset":
                return Cut()
            case "reject":
                return self.rejection(fate, operation=operation)
        return None


def _quietly(run: Callable[[], Response]) -> None:
    run()


def _after_effect(fate: Fate, *, response: Response) -> Answer:
    match fate.do:
        case "error_after":
            return answer({"code": "server_error", "message": "the effect happened"}, 500)
        case "timeout_after_success":
            return Silence()
        case "reset_after":
            return Cut()
        case "drip":
            return Drip(response, fate.seconds)
    return response
