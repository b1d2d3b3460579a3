"""What one `manage.py run` was asked for, and whether it can be done: decided before anything starts."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from opsconsole.embedded.locks import FileLock, is_held
from opsconsole.embedded.places import Places
from opsconsole.launching import Refused, given_servers
from opsconsole.processes import CUSTOMERS, Process, night, table
from opsconsole.runner.child import Child
from opsconsole.runner.ports import taken_ports
from opsconsole.upstreams import NEIGHBOURS

# Of a data folder, what `--fresh` empties; keys and logs stay.
CLEARED = (
    "postgres",
    "postgres.new",
    "anchors",
    "imports",
    "sandbox.sqlite3",
    "traffic-tokens.json",
    "sandbox.sqlite3-wal",
    "sandbox.sqlite3-shm",
)


@dataclass(frozen=True)
class Plan:
    data: Path
    port: int
    demo: bool
    fresh: bool
    act_workers: int
    night: tuple[str, ...] = ()  # options of the scenario, where it takes the place of the everyday customers

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_port(self) -> int:
        """Next to the console's port, so that a second copy on another port finds free ones."""
        return int(os.environ.get("SANDBOX_PORT") or self.port + 100)

    def url_of(self, process: Process) -> str:
        """Where a process that speaks HTTP says whether it lives."""
        address = f"http://127.0.0.1:{self.sandbox_port}" if process.name == "sandbox" else self.address
        return address + process.health

    def claim(self) -> FileLock:
        """Be the only run in this data folder."""
        self.data.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.data / "run.lock")
        if not lock.taken_within(1):
            raise Refused(f"a run is already going in {self.data}; OPSCONSOLE_DATA_DIR names another folder.")
        return lock

    def check_ports(self) -> None:
        if taken_ports([self.port]):
            raise Refused(f"port {self.port} is taken; --port names another.")
        sandbox = range(self.sandbox_port, self.sandbox_port + len(NEIGHBOURS))
        if taken := taken_ports(sandbox):
            raise Refused(f"port {taken[0]} is taken, which the sandbox needs; SANDBOX_PORT names the first of a row.")

    def clear(self) -> None:
        """Forget the data of earlier runs; only ours, and only while nobody uses it."""
        if given_servers():
            raise Refused("--fresh clears the embedded database only; with DATABASE_URL set, clear that one yourself.")
        if is_held(Places(self.data).keeper_lock):
            raise Refused(f"--fresh cannot clear {self.data} while another command uses it.")
        for name in CLEARED:
            path = self.data / name
            shutil.rmtree(path.resolve(), ignore_errors=True)
            path.unlink(missing_ok=True)

    def environment(self, *, database_url: str, redis_url: str) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "OPSCONSOLE_URL": self.address,
            "OPSCONSOLE_DEMO": "yes" if self.demo else "no",
            "SANDBOX_PORT": str(self.sandbox_port),
            # Once the night's customers have come, that nobody orders any more is no news.
            **({"DETECT_NO_ORDERS_AFTER": "1000000"} if self.night else {}),
        }

    def children(self, environment: dict[str, str]) -> list[Child]:
        """A child for every copy of every process of the table; in the demo, the customers as well."""
        customers = night(*self.night) if self.night else CUSTOMERS
        wanted = [*table(act_workers=self.act_workers), *([customers] if self.demo else [])]
        return [
            Child(name, process, self._arguments(process), environment)
            for process in wanted
            for name in process.copies()
        ]

    def _arguments(self, process: Process) -> tuple[str, ...]:
        return (*process.command, "--port", str(self.port)) if process.name == "web" else process.command
