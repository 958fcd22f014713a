"""Whether a progress bar has anybody to inform."""

import os
import sys


def interactive() -> bool:
    """Whether somebody is watching: a terminal, or a notebook that no program is running."""
    return "D2L_QUIET" not in os.environ and (sys.stderr.isatty() or "ipykernel" in sys.modules)
