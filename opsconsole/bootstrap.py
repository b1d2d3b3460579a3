"""Makes `.venv` from the hashed lock on a machine that has nothing but python3 and pip.

Standard library only: this runs before anything is installed. The machine's ordinary pip configuration is
obeyed (mirrors, certificates, proxies) and handed to uv, which does the work; where uv cannot be had, pip does.
"""

import ast
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from opsconsole.paths import PROJECT

VENV = PROJECT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "lock-stamp"
UV_FOLDER = PROJECT / ".uv"
UV = UV_FOLDER / "bin" / "uv"
BYTECODE = VENV / "bytecode"

RUNTIME = "requirements.txt"
DEVELOPMENT = "requirements-dev.txt"
BOOTSTRAP = "requirements-bootstrap.txt"

UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "no-index": "UV_NO_INDEX",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
}


class CannotInstall(Exception):
    """The environment could not be made; the message is one sentence for the person at the terminal."""


def enter(arguments: list[str]) -> None:
    """Return inside a current `.venv`; otherwise bring it up to date and start the same command again in it.

    The command `bootstrap` is only that: it ends here.
    """
    lock = _lock_for(arguments)
    changed = not is_current(lock)
    if changed:
        with _one_at_a_time():
            if not is_current(lock):
                install(_level(lock))
    if arguments[1:2] == ["bootstrap"]:
        sys.exit(0)
    _compile_once()
    if changed or Path(sys.prefix).resolve() != VENV.resolve():
        sys.stdout.flush()
        os.execv(VENV_PYTHON, [str(VENV_PYTHON), *arguments])  # noqa: S606 - our own interpreter, no shell


def _compile_once() -> None:
    """Keep compiled modules in `.venv` where PYTHONDONTWRITEBYTECODE keeps them out of the tree, as many images do.

    Without them every process of the platform compiles its thousand modules anew: half of what it costs to start.
    """
    if not sys.dont_write_bytecode or not os.access(VENV, os.W_OK):
        return
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(BYTECODE)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix


def _lock_for(arguments: list[str]) -> str:
    """`test` needs the tools; `bootstrap --dev` fetches them ahead, for an image or a developer."""
    command = arguments[1] if len(arguments) > 1 else ""
    wants_tools = command == "test" or (command == "bootstrap" and "--dev" in arguments)
    return DEVELOPMENT if wants_tools else RUNTIME


def is_current(lock: str) -> bool:
    """Whether `.venv` holds this lock, or the development lock, which contains the other."""
    if not _is_there(VENV_PYTHON) or not STAMP.exists():
        return False
    held = STAMP.read_text()
    return held in {_fingerprint(one) for one in {lock, DEVELOPMENT}}


def install(lock: str) -> None:
    """Bring `.venv` to the lock, with uv when it can be had, else with pip."""
    say(f"preparing the environment from {lock} ...")
    environment = _installer_environment()
    uv_here = _has_uv(environment)
    _make_venv(environment)
    STAMP.unlink(missing_ok=True)
    if not (uv_here and _uv_sync(lock, environment)):
        _pip_install(lock, environment)
    _make_importable()
    STAMP.write_text(_fingerprint(lock))


def uv_settings(pip_settings: Mapping[str, str]) -> dict[str, str]:
    """uv's variables for pip's options. pip looks in every index for the best version, so uv must too."""
    settings = {"UV_PYTHON_DOWNLOADS": "never", "UV_INDEX_STRATEGY": "unsafe-best-match"}
    for option, value in pip_settings.items():
        name = UV_NAMES.get(option)
        if name and value:
            separator = "," if name == "UV_FIND_LINKS" else " "
            settings[name] = separator.join(value.split())
    return settings


def parsed_pip_settings(listing: str) -> dict[str, str]:
    """Options out of `pip config list`; later kinds win as in pip: files, then `install`, then environment."""
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listing.splitlines():
        key, equals, quoted = line.partition("=")
        section, _, option = key.rpartition(".")
        if equals and section in found:
            found[section][option] = str(ast.literal_eval(quoted))
    return {**found["global"], **found["install"], **found[":env:"]}


def say(text: str) -> None:
    sys.stderr.write(f"opsconsole: {text}\n")
    sys.stderr.flush()


def _is_there(path: Path) -> bool:
    """A link into a folder we may not enter is not there for us; `Path.exists` would raise."""
    try:
        return path.exists()
    except PermissionError:
        return False


def _fingerprint(lock: str) -> str:
    digest = hashlib.sha256((PROJECT / lock).read_bytes()).hexdigest()
    return f"{lock} {digest}"


def _level(lock: str) -> str:
    """Never take a developer's tools away: a `.venv` that has them keeps them."""
    return DEVELOPMENT if (VENV / "bin" / "pytest").exists() else lock


@contextlib.contextmanager
def _one_at_a_time() -> Iterator[None]:
    UV_FOLDER.mkdir(exist_ok=True)
    with (UV_FOLDER / "bootstrap.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _installer_environment() -> dict[str, str]:
    """Environment of both installers; what the person has set for uv wins over what pip's options say."""
    listing = _run([sys.executable, "-m", "pip", "config", "list"], dict(os.environ))
    if listing.returncode != 0:
        raise CannotInstall(f"{sys.executable} has no working pip, which is needed once to install the dependencies.")
    pip_settings = parsed_pip_settings(listing.stdout)
    return {
        **uv_settings(pip_settings),
        **os.environ,
        "PIP_REQUIRE_VIRTUALENV": "0",
        "PIP_USER": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def _make_venv(environment: dict[str, str]) -> None:
    if _is_there(VENV_PYTHON) and _run([str(VENV_PYTHON), "-c", "pass"], environment).returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    # Without pip: Debian's python3 comes without the wheels that ensurepip unpacks, and some without venv at all.
    made = _run([sys.executable, "-m", "venv", "--without-pip", str(VENV)], environment)
    if made.returncode != 0 and UV.exists():
        made = _run([str(UV), "venv", "--clear", "--python", sys.executable, str(VENV)], environment)
    if made.returncode != 0:
        raise CannotInstall(f"cannot make {VENV}: {_last_line(made)}")


def _has_uv(environment: dict[str, str]) -> bool:
    if UV.exists():
        return True
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(UV_FOLDER), "--upgrade"]
    fetched = _run([*pip, "--require-hashes", "-r", str(PROJECT / BOOTSTRAP)], environment)
    return fetched.returncode == 0 and UV.exists()


def _uv_sync(lock: str, environment: dict[str, str]) -> bool:
    command = [str(UV), "pip", "sync", "--quiet", "--require-hashes", "--python", str(VENV_PYTHON)]
    synced = _run([*command, str(PROJECT / lock)], environment)
    if synced.returncode != 0:
        say(f"uv could not install the dependencies ({_last_line(synced)}); trying pip ...")
    return synced.returncode == 0


def _pip_install(lock: str, environment: dict[str, str]) -> None:
    pip = [sys.executable, "-m", "pip", "--python", str(VENV_PYTHON), "install", "--quiet"]
    installed = _run([*pip, "--require-hashes", "-r", str(PROJECT / lock)], environment)
    if installed.returncode != 0:
        reason = _last_line(installed)
        raise CannotInstall(f"cannot install the dependencies, is the network or the package mirror there? ({reason})")


def _make_importable() -> None:
    """Let every program of `.venv` import the project, wherever it is started: gunicorn, pytest, mypy."""
    for folder in VENV.glob("lib/python*/site-packages"):
        (folder / "project.pth").write_text(f"{PROJECT}\n")


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, env=environment, cwd=PROJECT, capture_output=True, text=True, check=False)


def _last_line(finished: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in (finished.stderr or finished.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith(("error", "×"))]
    return (errors or lines or ["no reason given"])[-1]
