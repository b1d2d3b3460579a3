"""The account the servers run under: PostgreSQL refuses uid 0, and a killed keeper must not leave them behind.

Root has two ways; so has a user without a name, as containers like to have. In a user namespace the server believes
it is `nobody` while the kernel still counts it as us, so that it can reach a project under a root-only folder and
nothing changes hands. Where namespaces are forbidden (most containers), root's server really is `nobody`, and what it
needs is brought where `nobody` may go.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from opsconsole.embedded.places import CannotServe

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Account:
    """Who owns the files (`uid`, `gid` as the machine sees them), and what the server is told about itself."""

    uid: int
    gid: int
    seen_as: int | None = None

    def start(self, command: Sequence[str], *, log: IO[bytes], death_signal: signal.Signals) -> subprocess.Popen[bytes]:
        """Start a program that gets `death_signal` when the calling process is gone, however it went."""
        other_user = self.uid != os.geteuid()
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            user=self.uid if other_user else None,
            group=self.gid if other_user else None,
            extra_groups=[] if other_user else None,
            preexec_fn=partial(_prepare, seen_as=self.seen_as, death_signal=death_signal, parent=os.getpid()),
        )

    def may_enter(self, folder: Path) -> bool:
        """Whether the account can reach a folder, asked of the kernel rather than guessed from modes."""
        if self.uid == os.geteuid():
            return True
        check = ["/usr/bin/test", "-x", str(folder)]
        return subprocess.run(check, user=self.uid, group=self.gid, extra_groups=[], check=False).returncode == 0

    def own(self, folder: Path) -> None:
        """Hand a tree over when it belongs to somebody else: yesterday's run may have had another account."""
        if folder.stat().st_uid == self.uid:
            return
        if os.geteuid() != 0:
            raise CannotServe(f"{folder} belongs to another user; set OPSCONSOLE_DATA_DIR to a folder of your own.")
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def choose() -> Account:
    uid, gid = os.geteuid(), os.getegid()
    if uid != 0 and _has_name(uid):
        return Account(uid, gid)
    unprivileged = _unprivileged()
    inside = Account(uid, gid, seen_as=unprivileged.pw_uid)
    if _works(inside):
        return inside
    if uid != 0:
        raise CannotServe(f"PostgreSQL needs a user with a name, and user {uid} has none in the password file.")
    return Account(unprivileged.pw_uid, unprivileged.pw_gid)


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _unprivileged() -> pwd.struct_passwd:
    """`nobody`, or the first other account: initdb insists on a name in the password file."""
    others = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
    if not others:
        raise CannotServe("PostgreSQL refuses to run as root and this machine has no other account.")
    return next((entry for entry in others if entry.pw_name == "nobody"), others[0])


def _works(account: Account) -> bool:
    true = shutil.which("true") or "/bin/true"
    try:
        with Path(os.devnull).open("wb") as nowhere:
            return account.start([true], log=nowhere, death_signal=signal.SIGKILL).wait(timeout=10) == 0
    except (subprocess.SubprocessError, OSError):
        return False


def _prepare(*, seen_as: int | None, death_signal: signal.Signals, parent: int) -> None:
    """Run in the child before it becomes the server. A change of credentials clears the death signal: set it last."""
    if seen_as is not None:
        _enter_namespace(seen_as)
    die_with_parent(death_signal, parent=parent)


def die_with_parent(death_signal: signal.Signals, *, parent: int) -> None:
    """Ask the kernel for a signal when the parent's gone (Linux only); leave at once if it is gone already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _enter_namespace(seen_as: int) -> None:
    uid, gid = os.geteuid(), os.getegid()
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "no user namespace")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{seen_as} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{seen_as} {gid} 1")
