"""A neighbour that answers exactly as the test says, byte by byte."""

import contextlib
import socket
import threading
from collections.abc import Callable

Act = Callable[[socket.socket], None]


def says(raw: bytes) -> Act:
    def act(connection: socket.socket) -> None:
        connection.sendall(raw)

    return act


def http(status: int, body: bytes = b"{}", *, head: bytes = b"") -> Act:
    return says(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n%s\r\n%s" % (status, len(body), head, body))


def silent(connection: socket.socket) -> None:
    """Says nothing until the other side gives up."""
    with contextlib.suppress(OSError):
        connection.recv(1)


def dripping(raw: bytes) -> Act:
    """One byte every 20 ms, until the other side gives up."""

    def act(connection: socket.socket) -> None:
        pause = threading.Event()
        with contextlib.suppress(OSError):
            for byte in raw:
                connection.sendall(bytes([byte]))
                pause.wait(0.02)

    return act


def resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.close()


class Scripted:
    """One act per request, in order; the last one repeats. Every request has its own connection."""

    def __init__(self) -> None:
        self.acts: list[Act] = []
        self.requests: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(20)
            request = self._read(connection)
            if not request:
                return
            act = self.acts[min(len(self.requests), len(self.acts) - 1)]
            self.requests.append(request)
            act(connection)

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        raw = b""
        while b"\r\n\r\n" not in raw:
            part = connection.recv(65536)
            if not part:
                return b""
            raw += part
        head, _, body = raw.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), 0
        )
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def stop(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._accepting.join()
        for thread in self._threads:
            thread.join()
