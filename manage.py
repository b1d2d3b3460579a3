#!/usr/bin/env python3
"""Runs every command of the console; makes the environment first when it is missing."""

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
    from opsconsole import launching

    return launching.run(sys.argv)


if __name__ == "__main__":
    sys.exit(main())
