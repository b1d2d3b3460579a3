"""What the bootstrap makes of pip's configuration, and what a machine without a mirror is told."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from opsconsole import bootstrap
from opsconsole.paths import PROJECT

NEEDED_BY_BOOTSTRAP = ("manage.py", "opsconsole/__init__.py", "opsconsole/bootstrap.py", "opsconsole/paths.py")


def test_settings_of_pip_are_read_in_pips_own_order_of_precedence() -> None:
    listing = """\
:env:.timeout='60'
global.index-url='https://mirror.example/simple'
global.timeout='15'
install.index-url='https://other.example/simple'
freeze.timeout='10'
a line that is none
"""
    assert bootstrap.parsed_pip_settings(listing) == {"index-url": "https://other.example/simple", "timeout": "60"}


def test_a_private_mirror_its_certificate_and_its_wheels_are_handed_to_uv() -> None:
    settings = bootstrap.uv_settings(
        {
            "index-url": "https://mirror.example/simple",
            "extra-index-url": "\nfile:///one\nfile:///two",
            "find-links": "/wheels /more-wheels",
            "cert": "/etc/ssl/own.pem",
            "trusted-host": "mirror.example",
            "proxy": "http://proxy.example:3128",
            "no-cache-dir": "true",
        }
    )
    assert settings == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_INDEX": "file:///one file:///two",
        "UV_FIND_LINKS": "/wheels,/more-wheels",
        "SSL_CERT_FILE": "/etc/ssl/own.pem",
        "UV_INSECURE_HOST": "mirror.example",
        "ALL_PROXY": "http://proxy.example:3128",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_PYTHON_DOWNLOADS": "never",
    }


@pytest.mark.processes
def test_a_machine_without_network_gets_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    for name in (*NEEDED_BY_BOOTSTRAP, *(str(path.name) for path in PROJECT.glob("requirements*.txt"))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(PROJECT / name, tmp_path / name)
    finished = subprocess.run(
        [sys._base_executable, "manage.py", "run"],
        cwd=tmp_path,
        env={"PATH": os.defpath, "HOME": str(tmp_path), "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 2
    assert "cannot install the dependencies" in finished.stderr.splitlines()[-1]
    assert "Traceback" not in finished.stderr


ENTERED = """
import os, sys
from importlib.util import cache_from_source
from opsconsole import bootstrap
bootstrap.enter(["manage.py", "help"])
from opsconsole import given
print(sys.pycache_prefix)
print(os.environ.get("PYTHONDONTWRITEBYTECODE"), os.environ.get("PYTHONPYCACHEPREFIX"))
print(os.path.exists(cache_from_source(given.__file__)))
"""


def _entered(**environ: str) -> list[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    told = subprocess.run(
        [sys.executable, "-c", ENTERED],
        cwd=PROJECT,
        env={**inherited, **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.splitlines()


def test_a_machine_that_wants_no_compiled_files_in_the_tree_has_them_in_the_environment() -> None:
    kept = str(bootstrap.BYTECODE)
    assert _entered(PYTHONDONTWRITEBYTECODE="1") == [kept, f"None {kept}", "True"]


def test_elsewhere_python_keeps_them_where_it_always_does() -> None:
    assert _entered()[:2] == ["None", "None None"]
