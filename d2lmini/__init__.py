"""The companion package of the course: small, readable, and proven equal to the libraries."""

import os

from d2lmini.i18n import Language, set_language

# Threads that spin while they wait starve each other as soon as another program runs: two notebooks at once
# took 40 times longer. PyTorch reads this when it is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"


def start(language: Language) -> None:
    """Open a notebook: choose its language and make its numbers repeatable.

    Two threads and one seed whatever the machine, so that a run prints the same figures in
    class, at home and in the tests.
    """
    import torch

    set_language(language)
    torch.set_num_threads(2)
    torch.manual_seed(0)
