"""Places to die: every commit and every call to the outside, each once over all workers.

Nobody lists them. A worker that comes to a place where none has died yet leaves a file with the place's name and
kills itself (SIGKILL) there; the next one passes. So a new transaction or a new call is a new place by itself.
"""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Final

FOLDER: Final = "KILL_POINTS"
PROJECT: Final = Path(__file__).parents[3]
OURS: Final = tuple(f"{PROJECT / app}/" for app in ("orders", "runbooks"))
# Where rows are claimed, moved and written: the place is the caller's.
TOOLS: Final = ("orders/leases.py", "orders/transitions.py", "orders/crew.py", "orders/sets.py", "orders/context.py")


def die_at(place: str) -> None:
    """Die here unless somebody has. Does nothing where no folder is named."""
    folder = os.environ.get(FOLDER)
    if folder is None:
        return
    try:
        os.close(os.open(Path(folder, place.replace("/", "|")), os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def met(folder: Path) -> set[str]:
    """The places where a worker has died."""
    return {path.name.replace("|", "/") for path in folder.iterdir()}


def service_place() -> str:
    """The line of ours that is being left: `orders/services/sagas.py:_send:128`."""
    return next((_name(frame) for frame, path in _own_frames() if path not in TOOLS), "elsewhere")


def client_place() -> str:
    """The function of a client that calls, by its outermost name: `orders/clients/xendit.py:refund`."""
    found = [(frame, path) for frame, path in _own_frames() if path.startswith("orders/clients/")]
    return f"{found[-1][1]}:{found[-1][0].f_code.co_name}" if found else "elsewhere"


def _name(frame: FrameType) -> str:
    path = Path(frame.f_code.co_filename).relative_to(PROJECT)
    return f"{path}:{frame.f_code.co_name}:{frame.f_lineno}"


def _own_frames() -> Iterator[tuple[FrameType, str]]:
    """Innermost first, code of `orders` and `runbooks` only."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(OURS):
            yield frame, str(Path(name).relative_to(PROJECT))
        frame = frame.f_back
