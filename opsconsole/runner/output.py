"""One merged log: a line per line, with the process it came from in front, in colour on a terminal."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TextIO

PALETTE: Final = (36, 33, 35, 32, 34, 96, 93, 95, 92, 94)
LONGEST_LINE: Final = 16_384


@dataclass
class Log:
    out: TextIO = field(default_factory=lambda: sys.stdout)
    width: int = 14
    colours: dict[str, int] = field(default_factory=dict)

    def line(self, source: str, text: str) -> None:
        try:
            self.out.write(f"{self._prefix(source)} {text}\n")
            self.out.flush()
        except (BrokenPipeError, ValueError):
            # Whoever read the log has gone; the processes have not.
            self.out = Path(os.devnull).open("w")  # noqa: SIM115 - lives as long as the runner

    def _prefix(self, source: str) -> str:
        padded = f"{source:<{self.width}} |"
        if not self._coloured():
            return padded
        colour = self.colours.setdefault(source, PALETTE[len(self.colours) % len(PALETTE)])
        return f"\x1b[{colour}m{padded}\x1b[0m"

    def _coloured(self) -> bool:
        return self.out.isatty() and "NO_COLOR" not in os.environ


@dataclass
class Lines:
    """Bytes from one pipe, cut into lines; what has no line end yet waits for it."""

    rest: bytes = b""

    def feed(self, chunk: bytes) -> list[str]:
        *whole, self.rest = (self.rest + chunk).split(b"\n")
        if len(self.rest) > LONGEST_LINE:
            whole, self.rest = [*whole, self.rest], b""
        return [line.decode(errors="replace").rstrip() for line in whole]

    def finish(self) -> list[str]:
        left, self.rest = self.rest, b""
        return [left.decode(errors="replace").rstrip()] if left else []
