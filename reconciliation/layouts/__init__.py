"""What the columns of a foreign file mean. A layout is data: built in as TOML, or saved by finance in versions."""

from reconciliation.layouts.builtin import BUILTIN, builtin
from reconciliation.layouts.headers import Fitted, fit
from reconciliation.layouts.layout import FIELDS, Layout, LayoutRefused
from reconciliation.layouts.problems import OF_LAYOUTS, OF_LINES, told
from reconciliation.layouts.reader import Refused

__all__ = [
    "BUILTIN",
    "FIELDS",
    "OF_LAYOUTS",
    "OF_LINES",
    "Fitted",
    "Layout",
    "LayoutRefused",
    "Refused",
    "builtin",
    "fit",
    "told",
]
