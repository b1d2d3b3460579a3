"""A TCP proxy that misbehaves on command: between the platform and PostgreSQL, Redis, the broker or a neighbour."""

from opsconsole.faultproxy.faults import Faults, Way
from opsconsole.faultproxy.proxy import FaultProxy

__all__ = ["FaultProxy", "Faults", "Way"]
