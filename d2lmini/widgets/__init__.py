"""Live figures: computed in the reader's browser, the same in a notebook and in the static book."""

from d2lmini.widgets.attention_steps import AttentionSteps
from d2lmini.widgets.mask_builder import MaskBuilder

__all__ = ["AttentionSteps", "MaskBuilder"]
