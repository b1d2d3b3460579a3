"""The operations console: settings, processes, screens and the servers it can bring along."""

import sys

# httpx brings its command line along wherever a developer's tools have installed what that needs: a tenth of the start
# of every process, for a program that nobody calls.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # None forbids an import (import system, 5.3.1)
