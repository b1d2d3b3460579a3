#!/usr/bin/env python3
"""Runs every command of the console; makes the environment first when it is missing."""

import os
import sys

if sys.version_info < (3, 11):
    # The oldest grammar on purpose: this line must parse wherever it is refused.
    sys.stderr.write("opsconsole needs Python 3.11 or newer; this is Python %d.%d.\n" % sys.version_info[:2])
    sys.exit(2)

from opsconsole import bootstrap


def main() -> int:
    try:
        bootstrap.enter(sys.argv)
    except (bootstrap.CannotInstall, OSError) as problem:
        bootstrap.say(str(problem))
        return 2
    return _run_command()


def _run_command() -> int:
    from django.core.management import execute_from_command_line

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsconsole.settings")
    execute_from_command_line(sys.argv)
    return 0


if __name__ == "__main__":
    sys.exit(main())
