"""From a file to a book: front matter, sections, steps. Says what is wrong with file and line, all at once."""

import difflib
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from runbooks.files import yaml
from runbooks.files.schema import KINDS, Front, Spec

LIBRARY: Final = Path(__file__).parent.parent / "library"
SECTIONS: Final = ("Meaning", "Impact", "Do not", "Hand over")
_HEADING: Final = re.compile(r"^## +(.+?)\s*$")
_NUMBER: Final = re.compile(r"^\d+\.\s+")
_FENCE: Final = re.compile(r"^(~~~|```)\s*(\w*)\s*$")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong. `rule` names it for people who look it up."""

    path: str
    line: int
    rule: str
    said: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.said}"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its heading, its prose, its block. `line` is where its block begins."""

    title: str
    prose: str
    spec: Any  # one of runbooks.files.schema.KINDS
    line: int

    @property
    def id(self) -> str:
        return str(self.spec.id)

    @property
    def kind(self) -> str:
        return str(self.spec.kind)


@dataclass(frozen=True, slots=True)
class Book:
    """One runbook. `sections` are its prose by heading; `hash` is the SHA-256 of `text`."""

    path: str
    text: str
    front: Front
    front_lines: Mapping[str, int]
    sections: Mapping[str, str]
    steps: Sequence[Step]

    @property
    def name(self) -> str:
        return self.front.id

    @property
    def hash(self) -> str:
        return hash_of(self.text)

    def step(self, step_id: str) -> Step | None:
        return next((step for step in self.steps if step.id == step_id), None)


@dataclass(slots=True)
class _Part:
    """One section as it is read."""

    heading: str
    line: int
    prose: list[str] = field(default_factory=list)
    blocks: list[tuple[int, str]] = field(default_factory=list)


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def load(name: str, *, library: Path = LIBRARY) -> Book | None:
    """The runbook of that name; None where there is none, or its file cannot be read as one."""
    path = library / f"{name}.md"
    if not re.fullmatch(r"[a-z0-9-]+", name) or not path.is_file():
        return None
    return book_in(path.read_text(encoding="utf-8"), path=path.name)


@lru_cache(maxsize=64)
def book_in(text: str, *, path: str) -> Book | None:
    """The book of this text, None where it cannot be read as one. The same text is asked for many times, by every page
    of a guide as well, and reading it costs tens of milliseconds.
    """
    return read(text, path=path)[0]


def load_all(library: Path = LIBRARY) -> Sequence[Book]:
    """All that can be read, by name."""
    found = (load(path.stem, library=library) for path in sorted(library.glob("*.md")))
    return [book for book in found if book is not None]


def read(text: str, *, path: str) -> tuple[Book | None, list[Problem]]:
    """The book, None where its structure cannot be read, and everything that is wrong with the structure."""
    problems: list[Problem] = []
    lines = text.splitlines()
    end = next((at for at, line in enumerate(lines[1:], start=1) if line == "---"), 0)
    if not lines or lines[0] != "---" or not end:
        return None, [Problem(path, 1, "front-matter", "the file begins with front matter between two lines of ---")]
    front, places = _front("\n".join(lines[1:end]), path, problems)
    parts = list(_parts(lines, begin=end + 1))
    steps = [step for part in parts for step in _steps(part, path, problems)]
    sections = {part.heading: "\n".join(part.prose).strip() for part in parts if not part.blocks}
    if front is None:
        return None, problems
    return Book(path, text, front, places, sections, steps), problems


def _front(text: str, path: str, problems: list[Problem]) -> tuple[Front | None, Mapping[str, int]]:
    try:
        found = yaml.read(text)
    except yaml.Malformed as error:
        problems.append(Problem(path, error.line + 1, "yaml", str(error)))
        return None, {}
    places = {name: line + 1 for name, line in found.lines.items()}
    try:
        return Front.model_validate(found.values), places
    except ValidationError as error:
        problems += _told(error, path, places, 1, Front)
        return None, places


def _parts(lines: Sequence[str], *, begin: int) -> Iterator[_Part]:
    part: _Part | None = None
    fence, block, began = "", [""], 0
    for number, line in enumerate(lines[begin:], start=begin + 1):
        mark = _FENCE.match(line)
        if fence == "step" and mark:
            if part is not None:
                part.blocks.append((began, "\n".join(block)))
            fence = ""
        elif fence == "step":
            block.append(line)
        elif mark and not fence and mark[2] == "step":
            fence, block, began = "step", [], number
        elif not fence and (heading := _HEADING.match(line)):
            if part is not None:
                yield part
            part = _Part(heading[1], number)
        elif part is not None:
            fence = ("" if fence else "other") if mark else fence
            part.prose.append(line)
    if part is not None:
        yield part


def _steps(part: _Part, path: str, problems: list[Problem]) -> Iterator[Step]:
    for began, text in part.blocks:
        spec = _spec(text, path, began, problems)
        if spec is not None:
            title = _NUMBER.sub("", part.heading)
            yield Step(title, "\n".join(part.prose).strip(), spec, began)
    if len(part.blocks) > 1:
        problems.append(
            Problem(path, part.blocks[1][0], "one-step", "one step a section: give this one its own heading")
        )


def _spec(text: str, path: str, began: int, problems: list[Problem]) -> Spec | None:
    try:
        found = yaml.read(text)
    except yaml.Malformed as error:
        problems.append(Problem(path, began + error.line, "yaml", str(error)))
        return None
    places = {name: began + line for name, line in found.lines.items()}
    model = KINDS.get(str(found.values.get("kind", "")))
    if model is None:
        said = f"kind is one of {', '.join(KINDS)}"
        problems.append(Problem(path, places.get("kind", began), "kind", said))
        return None
    try:
        return model.model_validate(found.values)
    except ValidationError as error:
        problems += _told(error, path, places, began, model)
        return None


def _told(
    error: ValidationError, path: str, places: Mapping[str, int], line: int, model: type[BaseModel]
) -> Iterable[Problem]:
    for each in error.errors():
        names = [str(name) for name in each["loc"]]
        where = places.get(names[0], line) if names else line
        if each["type"] == "extra_forbidden":
            near = difflib.get_close_matches(names[-1], model.model_fields, n=1)
            hint = f"; did you mean “{near[0]}”?" if near else ""
            yield Problem(path, where, "unknown-name", f"“{names[-1]}” is no name here{hint}")
        elif each["type"] == "missing":
            yield Problem(path, line, "missing", f"“{'.'.join(names)}” is missing")
        else:
            yield Problem(path, where, "value", f"“{'.'.join(names)}”: {each['msg']}")
