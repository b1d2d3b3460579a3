"""What must be true of a runbook beyond its form. The same rules at the command line, in the tests and on screen."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from runbooks.diagnoses import DIAGNOSES
from runbooks.files.reading import LIBRARY, SECTIONS, Book, Problem, Step, read
from runbooks.registry import ACTIONS, Touch
from runbooks.registry.action import Action
from runbooks.selections import SELECTIONS

WITHIN: Final = timedelta(minutes=10)  # P0: something that helps, before the cause is known
RISKS: Final[Mapping[Touch, Sequence[str]]] = {
    Touch.READS: ("read", "low"),
    Touch.VISIBLE: ("low", "high"),
    Touch.MONEY: ("high",),
}
SERVICES: Final = (
    *("postgresql", "redis", "rabbitmq", "order-orchestrator", "upg", "payment-gateway", "tpg", "ho-gateway"),
    *("booking-saga", "platform", "kubernetes"),
)
_BRACES: Final = re.compile(r"\{(\w+)\}")
_SECRET: Final = re.compile(r"(?i)(password|secret|token|api[_-]?key)\s*[=:]\s*[\w/+-]{8,}")
_ADDRESS: Final = re.compile(r"https?://(?!example\.)[\w.-]+")


def lint(text: str, *, path: str, today: date) -> list[Problem]:
    """Everything that is wrong with one file, in the order of its lines."""
    book, problems = read(text, path=path)
    if book is not None:
        for rule in RULES:
            problems += rule(book)
        problems += _old(book, today)
    problems += _texts(text, path)
    return sorted(set(problems))


def lint_all(library: Path = LIBRARY, *, today: date) -> list[Problem]:
    """Every file of the library, and what holds among them."""
    found: list[Problem] = []
    names: dict[str, str] = {}
    triggers: dict[str, str] = {}
    for path in sorted(library.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        found += lint(text, path=path.name, today=today)
        book, _problems = read(text, path=path.name)
        if book is not None:
            found += _among(book, names, triggers)
    return found


def _among(book: Book, names: dict[str, str], triggers: dict[str, str]) -> Iterator[Problem]:
    if f"{book.name}.md" != book.path:
        yield _at(book, "id", "file-name", f"the file of “{book.name}” is {book.name}.md")
    if book.name in names:
        yield _at(book, "id", "id-twice", f"{names[book.name]} has this id too")
    names[book.name] = book.path
    for trigger in book.front.triggers:
        if trigger in triggers:
            yield _at(book, "triggers", "trigger-twice", f"{triggers[trigger]} answers “{trigger}” too")
        triggers[trigger] = book.path


def _at(book: Book, name: str, rule: str, said: str) -> Problem:
    return Problem(book.path, book.front_lines.get(name, 1), rule, said)


def _on(book: Book, step: Step, rule: str, said: str) -> Problem:
    return Problem(book.path, step.line, rule, f"step {step.id}: {said}")


# The rules of one book.


def _sections(book: Book) -> Iterator[Problem]:
    for name in SECTIONS:
        if not book.sections.get(name):
            yield Problem(book.path, 1, "section", f"the section “## {name}” is missing or empty")
    if not book.steps:
        yield Problem(book.path, 1, "steps", "there is no step")


def _facts(book: Book) -> Iterator[Problem]:
    if book.front.service not in SERVICES:
        yield _at(book, "service", "service", f"“{book.front.service}” is no service: {', '.join(SERVICES)}")
    for name, param in book.front.params.items():
        if param.default not in param.choices:
            yield _at(book, "params", "param", f"the default of “{name}” is none of its choices")
    used = {value for step in book.steps for value in _dollars(step.spec)}
    for name in sorted(used - {f"${each}" for each in book.front.params}):
        yield _at(book, "params", "param", f"“{name}” is used and is no parameter")


def _ids(book: Book) -> Iterator[Problem]:
    seen: set[str] = set()
    for step in book.steps:
        if step.id in seen:
            yield _on(book, step, "step-twice", "another step has this id")
        seen.add(step.id)


def _figures(book: Book) -> Iterator[Problem]:
    for step in book.steps:
        for holder in (step.spec, getattr(step.spec, "verify", None)):
            if getattr(holder, "show", None):
                yield from _figure(book, step, holder)


def _figure(book: Book, step: Step, holder: Any) -> Iterator[Problem]:
    diagnosis = DIAGNOSES.get(holder.show)
    if diagnosis is None:
        yield _on(book, step, "diagnosis", f"“{holder.show}” is no diagnosis: {', '.join(DIAGNOSES)}")
        return
    yield from _fits(book, step, diagnosis.narrowing, getattr(holder, "within", {}), "within")
    for key in getattr(holder, "expect", {}):
        if key not in diagnosis.keys:
            yield _on(book, step, "figure", f"“{key}” is no figure of {holder.show}: {', '.join(diagnosis.keys)}")
    for text in (getattr(holder, "text", ""), getattr(holder, "text_id", "")):
        for key in set(_BRACES.findall(text)) - {*diagnosis.keys, "started", "minutes", "title"}:
            yield _on(book, step, "figure", f"the text names “{key}”, which is no figure of {holder.show}")


def _fits(book: Book, step: Step, model: type[BaseModel], values: Mapping[str, Any], name: str) -> Iterator[Problem]:
    try:
        model.model_validate(resolved(values, {key: each.default for key, each in book.front.params.items()}))
    except ValidationError as error:
        for each in error.errors():
            yield _on(book, step, name, f"“{'.'.join(map(str, each['loc']))}”: {each['msg']}")


def _acts(book: Book) -> Iterator[Problem]:
    for step in book.steps:
        if step.kind == "act":
            yield from _act(book, step)


def _act(book: Book, step: Step) -> Iterator[Problem]:
    action, selection = ACTIONS.get(step.spec.action), SELECTIONS.get(step.spec.select)
    if action is None:
        yield _on(book, step, "action", f"“{step.spec.action}” is not registered: {', '.join(sorted(ACTIONS))}")
        return
    if selection is None:
        yield _on(book, step, "selection", f"“{step.spec.select}” is no selection: {', '.join(SELECTIONS)}")
        return
    if selection.subject != action.subject:
        said = f"{step.spec.action} is for a {action.subject}, {step.spec.select} selects a {selection.subject}"
        yield _on(book, step, "selection", said)
    yield from _fits(book, step, selection.narrowing, step.spec.within, "within")
    yield from _fits(book, step, action.input, step.spec.given, "given")
    yield from _risk(book, step, action)


def _risk(book: Book, step: Step, action: Action) -> Iterator[Problem]:
    if step.spec.risk not in RISKS[action.touch]:
        yield _on(book, step, "risk", f"{action} is of risk {' or '.join(RISKS[action.touch])}")
    if step.spec.undo.startswith("none") == bool(action.undo):
        said = f"it is undone by {action.undo}" if action.undo else "it cannot be undone: begin with “none” and say why"
        yield _on(book, step, "undo", said)


def _ways(book: Book) -> Iterator[Problem]:
    """A choice leads onward, never back: there is no loop."""
    places = {step.id: at for at, step in enumerate(book.steps)}
    for at, step in enumerate(book.steps):
        for choice in getattr(step.spec, "choices", ()):
            if choice.to != "end" and places.get(choice.to, -1) <= at:
                yield _on(book, step, "choice", f"“{choice.to}” is no later step")


def _soon_enough(book: Book) -> Iterator[Problem]:
    if book.front.severity != "P0":
        return
    spent = timedelta(0)
    for step in book.steps:
        spent += step.spec.takes
        if getattr(step.spec, "mitigates", False):
            break
    else:
        yield _at(book, "severity", "mitigation", "no step of a P0 runbook says “mitigates: true”")
        return
    if spent > WITHIN:
        minutes = int(spent.total_seconds() // 60)
        yield _at(
            book, "severity", "mitigation", f"the first step that mitigates ends after {minutes} min, not within 10"
        )


def _manual_first(book: Book) -> Iterator[Problem]:
    """What treats the database or Redis begins without either."""
    if book.front.service not in {"postgresql", "redis"}:
        return
    if not book.front.is_manual_first or (book.steps[:1] and book.steps[0].kind != "check"):
        yield _at(book, "is_manual_first", "manual-first", "it begins with a “check” and says “is_manual_first: true”")


def _messages(book: Book) -> Iterator[Problem]:
    clocks = {step.spec.clock for step in book.steps}
    if book.front.severity == "P0" and not {"stakeholder", "workaround"} <= clocks:
        yield _at(book, "severity", "clocks", "a P0 runbook stops the clocks “stakeholder” and “workaround”")
    if not any(step.kind == "message" for step in book.steps):
        yield Problem(book.path, 1, "message", "nobody is told anything")


def _indonesian(book: Book) -> Iterator[Problem]:
    """What the schema cannot see: an English text in the place of the Indonesian one."""
    front = book.front
    for name, own, theirs in (
        ("title_id", front.title_id, front.title),
        ("summary_id", front.summary_id, front.summary),
    ):
        if _same(own, theirs):
            yield _at(book, name, "indonesian", f"“{name}” is the English text")
    for step in book.steps:
        if _same(step.spec.title_id, step.title):
            yield _on(book, step, "indonesian", "“title_id” is the English heading")
        if step.kind == "message" and _same(step.spec.text_id, step.spec.text):
            yield _on(book, step, "indonesian", "“text_id” is the English text")


def _same(own: str, theirs: str) -> bool:
    return own.strip().casefold() == theirs.strip().casefold()


def _old(book: Book, today: date) -> Iterator[Problem]:
    if book.front.review_by < today:
        yield _at(book, "review_by", "review", f"it was to be reviewed by {book.front.review_by}")


def _texts(text: str, path: str) -> Iterator[Problem]:
    for number, line in enumerate(text.splitlines(), start=1):
        if _SECRET.search(line):
            yield Problem(path, number, "secret", "this looks like a secret")
        if _ADDRESS.search(line):
            yield Problem(path, number, "address", "no addresses of hosts: they change, and the copy is public inside")


def _dollars(value: Any) -> Iterable[str]:
    if isinstance(value, BaseModel):
        value = value.model_dump()
    if isinstance(value, Mapping):
        return {each for part in value.values() for each in _dollars(part)}
    if isinstance(value, list | tuple):
        return {each for part in value for each in _dollars(part)}
    return {value} if isinstance(value, str) and re.fullmatch(r"\$[a-z_]+", value) else set()


def resolved(value: Any, params: Mapping[str, str]) -> Any:
    """The value with `$name` replaced by what was chosen."""
    if isinstance(value, Mapping):
        return {name: resolved(each, params) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [resolved(each, params) for each in value]
    return params.get(value[1:], value) if isinstance(value, str) and value.startswith("$") else value


RULES: Final[Sequence[Callable[[Book], Iterable[Problem]]]] = (
    *(_sections, _facts, _ids, _figures, _acts, _ways, _soon_enough, _manual_first, _messages, _indonesian),
)
