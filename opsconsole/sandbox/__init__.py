"""The neighbours, simulated: real HTTP, the vendors' own formats, faults at the turn of a switch."""

from opsconsole.sandbox.server import Sandbox
from opsconsole.sandbox.world import Secrets

__all__ = ["Sandbox", "Secrets"]
