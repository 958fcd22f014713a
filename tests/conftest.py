"""Shapes in signatures are checked while the tests run, and only then."""

import pytest
from jaxtyping import install_import_hook

CHECKED = ("attention", "blocks", "feedforward", "interop", "masks", "models", "objectives", "positions")
install_import_hook([f"d2lmini.{name}" for name in CHECKED], "beartype.beartype")

import d2lmini  # noqa: E402


@pytest.fixture(autouse=True)
def _english_by_default():
    """Each test starts in English, whatever the one before it chose."""
    d2lmini.set_language("en")
