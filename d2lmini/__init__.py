"""The companion package of the course: small, readable, and proven equal to the libraries."""

from d2lmini.i18n import Language, set_language

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
