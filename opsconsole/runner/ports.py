"""Whether the ports are free, asked before anything starts."""

import socket
from collections.abc import Iterable

HOST = "127.0.0.1"


def taken_ports(ports: Iterable[int]) -> list[int]:
    return [port for port in ports if not _is_free(port)]


def free_port() -> int:
    """One that nobody listens on at this moment."""
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
