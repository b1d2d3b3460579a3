"""How a benchmark tells what it measured."""

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Line:
    """One figure; `ratio` is to the baseline of the same run, where that makes sense."""

    name: str
    value: float
    unit: str
    ratio: float | None = None
    note: str = ""


@dataclass(slots=True)
class Report:
    """The figures of one run, in the order they were measured."""

    title: str
    lines: list[Line] = field(default_factory=list)

    def add(self, name: str, value: float, unit: str, *, ratio: float | None = None, note: str = "") -> None:
        self.lines.append(Line(name, value, unit, ratio, note))

    def tell_processor(self, name: str, spent: Mapping[str, float], *, count: int) -> None:
        """What each of `count` cost, by who used it up (`processor.since`)."""
        for who, seconds in spent.items():
            self.add(name, seconds / count * 1000, "ms", note=f"by {who}")

    def as_text(self) -> str:
        machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
        return "\n".join([f"{self.title} ({machine})", *map(_text, self.lines)])

    def as_json(self) -> dict[str, object]:
        return {
            "title": self.title,
            "cores": os.cpu_count(),
            "lines": [
                {"name": each.name, "value": each.value, "unit": each.unit, "ratio": each.ratio, "note": each.note}
                for each in self.lines
            ],
        }


def _text(line: Line) -> str:
    ratio = f"{line.ratio:6.2f} x" if line.ratio is not None else " " * 8
    return f"  {line.name:<44} {line.value:>12,.2f} {line.unit:<6} {ratio}  {line.note}".rstrip()


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)
