"""`manage.py runbook lint|plan|drill|render|run`: runbooks at the terminal, also while Redis is away."""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from orders.errors import Refusal
from orders.money import shown as money_shown
from runbooks import reasons
from runbooks.files import LIBRARY, Book, Step, load, load_all
from runbooks.files.lint import lint, lint_all
from runbooks.files.rendering import pages
from runbooks.models import Guide, GuideStep
from runbooks.services import approving, drilling, guiding
from runbooks.services.approving import Go
from runbooks.services.guiding import Said
from runbooks.services.manifest import Manifest, manifest_of
from runbooks.states import GuideState, Risk, StepState

SHOWN: Final = 10  # lines of a manifest


class Command(BaseCommand):
    help = "Check, preview, drill, render and go through runbooks."
    requires_system_checks: list[str] = []
    stealth_options = ("stdin",)  # where a test answers

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verb = verbs.add_parser("lint", help="say what is wrong with the files, with file and line; exit code 1")
        verb.add_argument("files", nargs="*", type=Path)
        verb = verbs.add_parser("plan", help="what each step would do at this moment; nothing is written")
        verb.add_argument("name")
        verb = verbs.add_parser("drill", help="go through it with dying workers, double clicks and changed rows")
        verb.add_argument("name", nargs="?")
        verb.add_argument("--all", action="store_true")
        verb = verbs.add_parser("render", help="write the HTML that survives an outage")
        verb.add_argument("--to", type=Path, default=Path("runbooks-html"))
        verb = verbs.add_parser("run", help="go through it at the terminal")
        verb.add_argument("name")
        verb.add_argument("--inline", action="store_true", help="do the work of the queues here: Redis may be away")
        verb.add_argument("--actor", default="", help="your user name, for the record")

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override("en"):
            getattr(self, f"_{options['verb']}")(options)

    def _lint(self, options: Mapping[str, Any]) -> None:
        today = datetime.now(UTC).date()
        files = options["files"]
        found = (
            [problem for file in files for problem in lint(file.read_text("utf-8"), path=str(file), today=today)]
            if files
            else lint_all(today=today)
        )
        for problem in found:
            self.stdout.write(str(problem))
        if found:
            raise CommandError(f"{len(found)} problems.")
        self.stdout.write(f"{len(files) or len(load_all())} runbooks, nothing wrong.")

    def _plan(self, options: Mapping[str, Any]) -> None:
        book = _book(options["name"])
        for line in manifest_lines(book):
            self.stdout.write(line)

    def _drill(self, options: Mapping[str, Any]) -> None:
        if not settings.DEMO:
            raise CommandError("A drill acts on what is there: only on a demo (OPSCONSOLE_DEMO), never in production.")
        if not options["all"] and not options["name"]:
            raise CommandError("Name a runbook, or say --all.")
        books = load_all() if options["all"] else [_book(options["name"])]
        failed = 0
        for book in books:
            report = drilling.drill(book)
            for line in report.lines:
                self.stdout.write(line)
            failed += not report.passed
        if failed:
            raise CommandError(f"{failed} of {len(books)} runbooks failed their drill.")

    def _render(self, options: Mapping[str, Any]) -> None:
        folder: Path = options["to"]
        folder.mkdir(parents=True, exist_ok=True)
        found = pages(load_all())
        for name, html in found.items():
            (folder / name).write_text(html, encoding="utf-8")
        self.stdout.write(f"{len(found)} pages in {folder}")

    def _run(self, options: Mapping[str, Any]) -> None:
        if not options["actor"]:
            raise CommandError("Say who you are: --actor NAME.")
        book, actor = _book(options["name"]), f"user:{options['actor']}"
        Terminal(
            guide=guiding.begin(book, actor=actor),
            book=book,
            actor=actor,
            is_inline=options["inline"],
            say=self.stdout.write,
            answers=options.get("stdin") or sys.stdin,
        ).go()


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """A run at the terminal: each step in words, one answer, the same rows as on screen."""

    guide: Guide
    book: Book
    actor: str
    is_inline: bool
    say: Callable[[str], object]
    answers: TextIO

    def go(self) -> None:
        self.say(f"{self.guide.code}: {self.book.front.title}")
        while (row := GuideStep.objects.filter(guide=self.guide, state=StepState.CURRENT).first()) is not None:
            step = self.book.step(row.step)
            if step is None:
                raise CommandError(f"There is no step {row.step}.")
            try:
                if not self._step(step):
                    self.say(f"Left open as {self.guide.code}.")
                    return
            except Refusal as refusal:
                self.say(f"  ! {refusal}")
        self.guide.refresh_from_db()
        self.say(f"{self.guide.code} {GuideState(self.guide.state).label.lower()}.")

    def _step(self, step: Step) -> bool:
        """One answer to one step. False when the person leaves."""
        self._tell(step)
        answer = self._ask(_QUESTIONS[step.kind])
        if answer is None or answer == "quit":
            return False
        word, _space, rest = answer.partition(" ")
        if word == "skip":
            guiding.skip(self.guide, step.id, Said(actor=self.actor, note=rest))
        elif step.kind == "act" and word == "plan":
            self._act(step, rest)
        elif step.kind == "decide":
            guiding.done(self.guide, step.id, Said(actor=self.actor, choice=answer))
        else:
            note = answer if word != "ok" else rest
            guiding.done(self.guide, step.id, Said(actor=self.actor, note=note))
        return True

    def _ask(self, question: str) -> str | None:
        """One line; None when there is no more."""
        self.say(f"  > {question}")
        line = self.answers.readline()
        return line.strip() if line else None

    def _tell(self, step: Step) -> None:
        self.say(f"\n== {step.title} [{step.kind}]")
        if step.prose:
            self.say(step.prose)
        for reading in guiding.readings_of(step, self.guide.params):
            sign = {None: " ", True: "+", False: "!"}[reading.is_good]
            value = "cannot know" if reading.figure.value is None else f"{reading.figure.value:g} {reading.figure.unit}"
            self.say(f"  {sign} {reading.figure.label}: {value} {reading.wanted}")
        if step.kind == "act":
            for line in told_of(manifest_of(step, self.guide.params, incident=self.guide.incident_id)):
                self.say(f"  {line}")
        if step.kind == "decide":
            for choice in step.spec.choices:
                self.say(f"  {choice.to}: {choice.label}")
        if step.kind == "message":
            self.say(guiding.text_of(step, self.guide, guiding.readings_of(step, self.guide.params)))

    def _act(self, step: Step, reason: str) -> None:
        """Plan it and start it; a plan that needs a second person waits for them on screen."""
        made = guiding.plan(self.guide, step.id, actor=self.actor)
        if not made.eligible:
            self.say("  Nothing to act on: go on with “skip WHY”.")
            return
        go = Go(actor=self.actor, hash=made.hash, reason=reason, typed=approving.to_type(made))
        if made.risk == Risk.SECOND_PERSON:
            approving.propose(made, go)
            self.say(f"  {made.code} waits for a second person.")
            return
        approving.start(made, go)
        self.say(f"  {made.code} started.")
        if self.is_inline:
            drilling.work_off(made)
            counts = drilling.counts_of(made)
            self.say("  " + ", ".join(f"{count} {state}" for state, count in sorted(counts.items())))


_QUESTIONS: Final = {
    "check": "what you saw, or “skip WHY”, or quit: ",
    "diagnose": "ok, a note, “skip WHY”, or quit: ",
    "act": "“plan REASON” to plan and start, ok when it is as wanted, “skip WHY”, or quit: ",
    "decide": "which way: ",
    "message": "ok when it is sent, or what you sent instead: ",
    "wait": "ok when it is as wanted, a note, “skip WHY”, or quit: ",
}


def _book(name: str) -> Book:
    book = load(name)
    if book is None:
        known = ", ".join(path.stem for path in sorted(LIBRARY.glob("*.md")))
        raise CommandError(f"There is no runbook “{name}”, or its file cannot be read. Known: {known}")
    return book


def manifest_lines(book: Book) -> Iterable[str]:
    """What `plan` prints: every act of the runbook with what it would touch now."""
    params = {name: param.default for name, param in book.front.params.items()}
    yield f"{book.name}: {book.front.title}"
    for step in book.steps:
        if step.kind != "act":
            yield f"  {step.id}: {step.kind}"
            continue
        yield f"  {step.id}: {step.spec.action} over {step.spec.select}"
        for line in told_of(manifest_of(step, params)):
            yield f"    {line}"


def told_of(manifest: Manifest) -> Iterable[str]:
    """A manifest in lines: sums first, then the first few subjects, then what is left out and why."""
    money = " + ".join(money_shown(amount, currency=currency) for currency, amount in sorted(manifest.money.items()))
    yield f"would touch {manifest.eligible}, {money or 'no money moves'}"
    acted = [line for line in manifest.lines if not line.why]
    for line in acted[:SHOWN]:
        becomes = f" -> {line.target}" if line.target else ""
        amount = f" {money_shown(line.amount, currency=line.currency)}" if line.amount else ""
        yield f"  {line.public_id}: {line.state}{becomes}{amount}"
    if len(acted) > SHOWN:
        yield f"  and {len(acted) - SHOWN} more"
    for line in [line for line in manifest.lines if line.why][:SHOWN]:
        yield f"  not {line.public_id}: {reasons.words(line.why, line.why_values)}"
