"""The translation catalogue without the gettext tools: found in the sources, kept in a .po, compiled to a .mo.

A bare machine has no `xgettext` and no `msgfmt`; the tests that keep the catalogue complete run there too.
"""

import ast
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from django.utils.translation.template import templatize

SOURCES: Final = ("opsconsole", "orders", "reconciliation", "runbooks", "templates")
HEADER: Final = (
    "Project-Id-Version: opsconsole\n"
    "Language: id\n"
    "MIME-Version: 1.0\n"
    "Content-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: 8bit\n"
    "Plural-Forms: nplurals=1; plural=0;\n"
)

_MODULE: Final = "django.utils.translation"
_LITERAL: Final = r"""u?("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
_TEMPLATE_CALL: Final = re.compile(
    rf"(?<!\w)(n?p?gettext|_)\(\s*{_LITERAL}(?:\s*,\s*{_LITERAL})?(?:\s*,\s*{_LITERAL})?", re.DOTALL
)
_PLACEHOLDER: Final = re.compile(r"%\((\w+)\)[sd]|\{(\w+)\}")
_ANONYMOUS: Final = re.compile(r"(?<!%)%[sdifr]|\{\}|\{\d+\}")

Key = tuple[str, str]  # (context, text)


@dataclass(frozen=True)
class Message:
    """One text: its plural when it has one, where it is used, its translation ('' when there is none)."""

    context: str
    text: str
    plural: str = ""
    files: tuple[str, ...] = ()
    translation: str = ""
    is_fuzzy: bool = field(default=False, compare=False)

    @property
    def key(self) -> Key:
        return (self.context, self.text)

    @property
    def placeholders(self) -> frozenset[str]:
        return _names(self.text) | _names(self.plural)

    @property
    def translated_placeholders(self) -> frozenset[str]:
        return _names(self.translation)

    @property
    def has_anonymous_placeholder(self) -> bool:
        return bool(_ANONYMOUS.search(self.text))


@dataclass(frozen=True)
class PutTogether:
    """A text that is put together before it is translated: no translator ever sees it."""

    file: str
    line: int


def found(root: Path) -> dict[Key, Message]:
    """Every text of the sources below `root`, by key."""
    result: dict[Key, Message] = {}
    for message in (*_python_messages(root), *_template_messages(root)):
        known = result.get(message.key, message)
        files = tuple(sorted({*known.files, *message.files}))
        result[message.key] = replace(known, files=files, plural=known.plural or message.plural)
    return result


def put_together(root: Path) -> list[PutTogether]:
    """Calls of gettext with an f-string, a sum or a call. A plain name is fine: gettext_noop marked its text."""
    return [
        PutTogether(_name(path, root), call.lineno)
        for path in _files(root, "*.py")
        for call, _function in _calls(path)
        if isinstance(call.args[0], ast.JoinedStr | ast.BinOp | ast.Call)
    ]


def merged(sources: dict[Key, Message], known: dict[Key, Message]) -> list[Message]:
    """The sources' texts with the translations that are known; texts no longer used are dropped."""
    return [
        replace(message, translation=known[message.key].translation, is_fuzzy=known[message.key].is_fuzzy)
        if message.key in known
        else message
        for message in sorted(sources.values(), key=lambda each: (each.files[0], each.text, each.context))
    ]


def read_po(text: str) -> dict[Key, Message]:
    """The entries of a .po file; the header is not an entry."""
    entries = (_entry(block) for block in re.split(r"\n\s*\n", text))
    return {entry.key: entry for entry in entries if entry and entry.text}


def written_po(messages: Iterable[Message]) -> str:
    """The text of a .po file, one entry per message in the given order."""
    head = f'msgid ""\nmsgstr {_quoted(HEADER)}\n'
    return "\n".join([head, *(_written(message) for message in messages)])


def compiled(messages: Iterable[Message]) -> bytes:
    """The .mo file: texts sorted, little-endian, no hash table (GNU gettext manual, section 10.3)."""
    pairs = {b"": HEADER.encode()}
    for message in messages:
        if message.translation and not message.is_fuzzy:
            pairs[_mo_key(message)] = message.translation.encode()
    texts = sorted(pairs)
    return _packed(texts, [pairs[text] for text in texts])


def _packed(texts: list[bytes], translations: list[bytes]) -> bytes:
    table, body = b"", b""
    start = 28 + 16 * len(texts)
    for part in (*texts, *translations):
        table += struct.pack("<II", len(part), start + len(body))
        body += part + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(texts), 28, 28 + 8 * len(texts), 0, start)
    return head + table + body


def _mo_key(message: Message) -> bytes:
    text = f"{message.context}\x04{message.text}" if message.context else message.text
    return (f"{text}\0{message.plural}" if message.plural else text).encode()


def _python_messages(root: Path) -> Iterator[Message]:
    for path in _files(root, "*.py"):
        for call, function in _calls(path):
            texts = [text for text in map(_text, call.args) if text]
            if texts:
                yield _message(function, texts, _name(path, root))


def _template_messages(root: Path) -> Iterator[Message]:
    for path in (*_files(root, "*.html"), *_files(root, "*.txt")):
        for call in _TEMPLATE_CALL.finditer(templatize(path.read_text())):
            texts = [ast.literal_eval(literal) for literal in call.groups()[1:] if literal]
            yield _message(call[1], texts, _name(path, root))


def _message(function: str, texts: list[str], file: str) -> Message:
    context = texts.pop(0) if "pgettext" in function else ""
    plural = texts[1] if "ngettext" in function or "npgettext" in function else ""
    return Message(context, texts[0], plural, (file,))


def _calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    """Calls of Django's translation functions, whatever name they were imported under."""
    tree = ast.parse(path.read_text())
    names = {
        alias.asname or alias.name: alias.name.removesuffix("_lazy")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == _MODULE
        for alias in node.names
        if "gettext" in alias.name
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield node, names[node.func.id]


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _files(root: Path, pattern: str) -> list[Path]:
    return sorted(path for top in SOURCES for path in (root / top).rglob(pattern) if "migrations" not in path.parts)


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _names(text: str) -> frozenset[str]:
    return frozenset(first or second for first, second in _PLACEHOLDER.findall(text))


def _entry(block: str) -> Message | None:
    values: dict[str, str] = {}
    current = ""
    for line in block.strip().splitlines():
        if line.startswith("#"):
            continue
        keyword, literal = ("", line) if line.startswith('"') else line.split(" ", 1)
        current = keyword or current
        values[current] = values.get(current, "") + ast.literal_eval(literal)
    if "msgid" not in values:
        return None
    return Message(
        values.get("msgctxt", ""),
        values["msgid"],
        values.get("msgid_plural", ""),
        translation=values.get("msgstr[0]", values.get("msgstr", "")),
        is_fuzzy="#, fuzzy" in block,
    )


def _written(message: Message) -> str:
    lines = [f"#: {file}" for file in message.files]
    lines += ["#, fuzzy"] if message.is_fuzzy else []
    lines += ["#, python-format"] if "%(" in message.text else []
    lines += [f"msgctxt {_quoted(message.context)}"] if message.context else []
    lines += [f"msgid {_quoted(message.text)}"]
    if message.plural:
        lines += [f"msgid_plural {_quoted(message.plural)}", f"msgstr[0] {_quoted(message.translation)}"]
    else:
        lines += [f"msgstr {_quoted(message.translation)}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A C string; one line of the file per line of a text that has several."""
    parts = text.splitlines(keepends=True)
    escaped = [part.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for part in parts]
    if len(escaped) < 2:
        return f'"{"".join(escaped)}"'
    return '""\n' + "\n".join(f'"{part}"' for part in escaped)
