"""A client that costs next to nothing: one socket a thread, kept open, prepared bytes."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answers:
    """Seconds each request took, by the status it got, and the wall time of all."""

    seconds: Sequence[float]
    statuses: dict[int, int]
    wall: float

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.wall


def send_all(requests: Sequence[bytes], *, host: str, port: int, clients: int) -> Answers:
    """Send every request once, `clients` at a time, each over its own connection."""
    taken, lock = iter(requests), threading.Lock()
    seconds: list[float] = []
    statuses: dict[int, int] = {}

    def work() -> None:
        mine: list[tuple[float, int]] = []
        with socket.create_connection((host, port), timeout=30) as connection:
            stream = connection.makefile("rb")
            while (request := _next(taken, lock)) is not None:
                began = time.perf_counter()
                connection.sendall(request)
                status = _read(stream.readline, stream.read)
                mine.append((time.perf_counter() - began, status))
        with lock:
            for took, status in mine:
                seconds.append(took)
                statuses[status] = statuses.get(status, 0) + 1

    return Answers(seconds, statuses, _run(work, clients))


def _next(taken: Iterator[bytes], lock: threading.Lock) -> bytes | None:
    with lock:
        return next(taken, None)


def _run(work: Callable[[], None], clients: int) -> float:
    threads = [threading.Thread(target=work) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def _read(readline: Callable[[], bytes], read: Callable[[int], bytes]) -> int:
    status = int(readline().split()[1])
    length = 0
    while (line := readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    read(length)
    return status


def post(path: str, body: bytes, headers: dict[str, str], *, host: str) -> bytes:
    """The bytes of one POST."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
