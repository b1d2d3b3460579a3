"""The sandbox: all neighbours in one process, one port each, on one loop in a thread of its own."""

from pathlib import Path

from opsconsole.own_loop import OwnLoop
from opsconsole.sandbox.callbacks import Callbacks
from opsconsole.sandbox.control import Control
from opsconsole.sandbox.fleet import Fleet
from opsconsole.sandbox.head_office import HeadOffice
from opsconsole.sandbox.http11 import Listener
from opsconsole.sandbox.inventory import Inventory
from opsconsole.sandbox.midtrans import Midtrans
from opsconsole.sandbox.neighbour import Neighbour
from opsconsole.sandbox.nicepay import Nicepay
from opsconsole.sandbox.night import Mail, PagerDuty, Slack
from opsconsole.sandbox.offices import Config, Notification, Promo, SessionManager
from opsconsole.sandbox.world import Secrets, World
from opsconsole.sandbox.xendit import Xendit
from opsconsole.upstreams import HOST, NEIGHBOURS

EVERYWHERE = "0.0.0.0"  # noqa: S104  for containers, when told so


class Sandbox(OwnLoop):
    """`with Sandbox(secrets=...) as sandbox: sandbox.urls["midtrans"]`.

    `port_base` 0 takes free ports. `store` None keeps the books in memory only. `host` other than
    127.0.0.1 is for containers.
    """

    def __init__(
        self,
        *,
        secrets: Secrets,
        port_base: int = 0,
        store: Path | None = None,
        app_url: str = "http://127.0.0.1:8000",
        seed: int = 1,
        speed: float = 1.0,
        host: str = HOST,
    ) -> None:
        super().__init__("sandbox")
        self.world = World(secrets, app_url.rstrip("/"), store, seed, speed)
        self._ports = {name: port_base + offset if port_base else 0 for offset, name in enumerate(NEIGHBOURS)}
        self._host = host
        self._listeners: dict[str, Listener] = {}

    @property
    def urls(self) -> dict[str, str]:
        return self.world.urls

    @property
    def control_url(self) -> str:
        return self.urls["control"]

    def stop(self) -> None:
        super().stop()
        self.world.books.close()

    async def _up(self) -> None:
        callbacks = Callbacks(self.world)
        neighbours = _neighbours(self.world, callbacks)
        control = Control(self.world, neighbours=neighbours, apply_down=self._apply_down)
        for name, each in {"control": control, **neighbours}.items():
            listener = Listener(each.handle, host=self._host, port=self._ports[name])
            self._listeners[name] = listener
            await listener.up()
            shown = HOST if self._host == EVERYWHERE else self._host
            self.urls[name] = f"http://{shown}:{listener.port}"
        for each in neighbours.values():
            each.resume()
        callbacks.resume()
        await self._apply_down()

    async def _apply_down(self) -> None:
        """Bring every listener where its `down` fault wants it."""
        for name, listener in self._listeners.items():
            if name == "control":
                continue
            is_down = self.world.faults(name).down
            if is_down and listener.is_up:
                await listener.down()
            if not is_down and not listener.is_up:
                await listener.up()

    async def _down(self) -> None:
        self.world.is_closing = True
        for listener in self._listeners.values():
            await listener.down()


def _neighbours(world: World, callbacks: Callbacks) -> dict[str, Neighbour]:
    made: list[Neighbour] = [
        Midtrans(world, callbacks),
        Xendit(world, callbacks),
        Nicepay(world, callbacks),
        *(Fleet(world, callbacks, name=name) for name in ("tpg", "rent", "delivery", "shuttle")),
        HeadOffice(world, callbacks),
        SessionManager(world, callbacks),
        Promo(world, callbacks),
        Config(world, callbacks),
        Notification(world, callbacks),
        Inventory(world, callbacks),
        PagerDuty(world, callbacks),
        Slack(world, callbacks),
        Mail(world, callbacks),
    ]
    return {each.name: each for each in made}
