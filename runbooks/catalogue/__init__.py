"""The service catalogue: one file a service in `services/`, checked by the schema below when it is read.

Facts about each service and what it needs; what of it is true at this moment is measured elsewhere.
"""

from runbooks.catalogue.graph import blast_of, feeders_of, needed_by, needs_of, spread
from runbooks.catalogue.reading import CATALOGUE, Broken, read, service_named
from runbooks.catalogue.schema import How, Service

__all__ = [
    "CATALOGUE",
    "Broken",
    "How",
    "Service",
    "blast_of",
    "feeders_of",
    "needed_by",
    "needs_of",
    "read",
    "service_named",
    "spread",
]
