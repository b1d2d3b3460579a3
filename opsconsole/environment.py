"""Typed readings of environment variables for settings; every bad one is reported at once."""

import os
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

LIBPQ_ENGINE = "django.db.backends.postgresql"
NO_ENGINE = "django.db.backends.dummy"


@dataclass
class Environment:
    """Reads variables and remembers what is wrong with them, so that one start shows every mistake."""

    values: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    mistakes: list[str] = field(default_factory=list)

    def text(self, name: str, default: str = "") -> str:
        return self.values.get(name, "").strip() or default

    def number(self, name: str, default: int) -> int:
        given = self.text(name, str(default))
        if given.isascii() and given.isdigit():
            return int(given)
        self.mistakes.append(f"{name} must be a whole number, not {given!r}")
        return default

    def flag(self, name: str, *, default: bool = False) -> bool:
        given = self.text(name, "yes" if default else "no").lower()
        if given in {"1", "true", "yes", "on"}:
            return True
        if given not in {"0", "false", "no", "off"}:
            self.mistakes.append(f"{name} must be yes or no, not {given!r}")
        return False

    def words(self, name: str, default: str = "") -> list[str]:
        return [word.strip() for word in self.text(name, default).split(",") if word.strip()]

    def database(self, name: str) -> dict[str, Any]:
        """Django's dictionary for a `postgresql://` address; without one, an engine that refuses every query."""
        address = self.text(name)
        if not address:
            return {"ENGINE": NO_ENGINE}
        parts = urlsplit(address)
        if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
            self.mistakes.append(f"{name} must look like postgresql://user@host:5432/database")
            return {"ENGINE": NO_ENGINE}
        return _postgresql(address)

    @staticmethod
    def is_loopback(place: str) -> bool:
        """Whether an address or the name of a host leads to this machine alone."""
        host = urlsplit(place if "//" in place else f"//{place}").hostname or ""
        return host in {"localhost", "127.0.0.1", "::1"}

    def refuse_mistakes(self) -> None:
        if self.mistakes:
            raise ImproperlyConfigured("; ".join(self.mistakes))


def _postgresql(address: str) -> dict[str, Any]:
    parts = urlsplit(address)
    options = dict(parse_qsl(parts.query))
    hosts = [one.rpartition(":") if ":" in one else (one, "", "") for one in _host_list(parts.netloc)]
    return {
        "ENGINE": LIBPQ_ENGINE,
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": options.pop("host", ",".join(host for host, _, _ in hosts)),
        "PORT": options.pop("port", ",".join(port for _, _, port in hosts)),
        "OPTIONS": options,
    }


def _host_list(netloc: str) -> list[str]:
    """`a:1,b:2` of an address with several hosts, which urlsplit's own `hostname` cannot read."""
    return [unquote(one) for one in netloc.rpartition("@")[2].split(",")]


def kept_secret(path: Path) -> str:
    """Hexadecimal key in a file only its owner reads; made once, even when two ask at the same time."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "w") as key:
            key.write(secrets.token_hex(32))
        _publish(Path(draft), path)
    return path.read_text().strip()


def _publish(draft: Path, path: Path) -> None:
    """A hard link either takes the name or finds it taken: never two keys, never half a key."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
