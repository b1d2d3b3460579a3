"""A progress bar on a terminal; plain lines elsewhere."""

import sys
import time
from typing import Any

WIDTH = 32
PLAIN_EVERY = 10.0  # seconds


class Bar:
    def __init__(self, out: Any = sys.stderr) -> None:
        self._out = out
        self._is_terminal = bool(getattr(out, "isatty", lambda: False)())
        self._last = -PLAIN_EVERY
        self._began = time.monotonic()
        self._drawn = ""

    def show(self, what: str, done: int, whole: int) -> None:
        if self._is_terminal:
            filled = WIDTH * done // max(whole, 1)
            self._draw(f"[{'#' * filled}{'.' * (WIDTH - filled)}] {done:,} of {whole:,} {what}")
        elif done >= whole or time.monotonic() - self._last >= PLAIN_EVERY:
            self._last = time.monotonic()
            self._line(f"{done:,} of {whole:,} {what}")

    def say(self, text: str) -> None:
        """A line of its own; the bar goes on below."""
        if self._drawn:
            self._write(f"\r{' ' * len(self._drawn)}\r")
        self._line(text)
        if self._drawn:
            self._write(self._drawn)

    def _draw(self, text: str) -> None:
        self._write(f"\r{text}")
        self._drawn = text

    def _line(self, text: str) -> None:
        self._write(f"{time.monotonic() - self._began:6.1f} s  {text}\n")

    def _write(self, text: str) -> None:
        stream = getattr(self._out, "_out", self._out)  # Django's wrapper adds a line end of its own
        stream.write(text)
        stream.flush()
