"""Where the project and its data live. Standard library only: read before anything is installed."""

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def data_dir() -> Path:
    """Folder of everything a running copy keeps: database files, keys, sockets' whereabouts."""
    named = os.environ.get("OPSCONSOLE_DATA_DIR")
    return Path(named).expanduser().resolve() if named else PROJECT / ".data"
