#!/usr/bin/env python3
"""Runs every command of the console; makes the environment first when it is missing."""

import os
import sys

if sys.version_info < (3, 11):
    sys.stderr.write("opsconsole needs Python 3.11 or newer; this is Python %d.%d.\n" % sys.version_info[:2])
    sys.exit(2)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opsconsole.settings")


def main() -> None:
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
