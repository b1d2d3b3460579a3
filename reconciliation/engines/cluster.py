"""Spark: a cluster that is given (SPARK_MASTER), or a master and two workers of our own while they are needed."""

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from typing import Any, Final

from reconciliation.engines import COLUMNS, EngineMissing, FirstPass, Row, statement

WORKERS: Final = 2
_MEMORY: Final = "1g"
_DEPLOY: Final = "org.apache.spark.deploy"


@contextmanager
def spark() -> Iterator[FirstPass]:
    """The files of the books must be where every worker can read them."""
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        raise EngineMissing("Spark needs Java 17 or newer, and there is no `java`.")
    with ExitStack() as stack:
        master = os.environ.get("SPARK_MASTER") or stack.enter_context(own_cluster())
        session = stack.enter_context(_session(master))
        yield lambda ours, theirs: _judge(session, ours, theirs)


@contextmanager
def own_cluster() -> Iterator[str]:
    """A master and two workers, each a process of its own, on this machine. Yields the master's address."""
    with TemporaryDirectory(prefix="spark-") as folder, ExitStack() as stack:
        port = _free_port()
        master = f"spark://127.0.0.1:{port}"
        _start(stack, Path(folder), "master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0")
        for number in range(WORKERS):
            resources = ("--cores", "1", "--memory", _MEMORY, "--work-dir", f"{folder}/work-{number}")
            _start(stack, Path(folder), "worker", master, "--host", "127.0.0.1", "--webui-port", "0", *resources)
        yield master


def _start(stack: ExitStack, folder: Path, role: str, *arguments: str) -> None:
    import pyspark

    home = Path(pyspark.__file__).parent
    main = f"{_DEPLOY}.{role}.{role.title()}"
    environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_NO_DAEMONIZE": "1", "SPARK_DAEMON_MEMORY": "256m"}
    log = stack.enter_context((folder / f"{role}.log").open("ab"))
    process = subprocess.Popen(
        [str(home / "bin" / "spark-class"), main, *arguments], env=environment, stdout=log, stderr=log
    )
    stack.callback(process.wait)
    stack.callback(process.terminate)


def _free_port() -> int:
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextmanager
def _session(master: str) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.executor.memory": "768m",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "4",
        "spark.sql.session.timeZone": "UTC",
        # Not one task before every worker is there.
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
        "spark.scheduler.maxRegisteredResourcesWaitingTime": "120s",
        "spark.cores.max": str(WORKERS),
    }
    builder: Any = SparkSession.builder
    session = builder.master(master).appName("reconcile").config(map=settings).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield session
    finally:
        _end(session)


def _end(session: Any) -> None:
    """With the driver's JVM, which a session would leave running until this process ends."""
    from pyspark import SparkContext

    gateway: Any = session.sparkContext._gateway  # noqa: SLF001 - pyspark has no public way to its JVM
    session.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()
    SparkContext._gateway = SparkContext._jvm = None  # noqa: SLF001


def _judge(session: Any, ours: Path, theirs: Path) -> list[Row]:
    schema = ", ".join(f"{name} {'string' if type_ == 'text' else type_}" for name, type_ in COLUMNS.items())
    for table, file in (("ours", ours), ("theirs", theirs)):
        # PostgreSQL writes a key that is empty as "", and none of these columns is ever NULL.
        book = session.read.csv(str(file), schema=schema, header=True, quote='"', escape='"', nullValue="\0")
        book.createOrReplaceTempView(table)
    return [tuple(row) for row in session.sql(statement("spark")).collect()]
