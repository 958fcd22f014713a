"""Live figures: computed in the reader's browser, the same in a notebook and in the static book."""

from d2lmini.widgets.attention_steps import AttentionSteps
from d2lmini.widgets.bpe_stepper import BPEStepper
from d2lmini.widgets.cache_explorer import CacheExplorer
from d2lmini.widgets.decoding_explorer import DecodingExplorer
from d2lmini.widgets.head_grid import HeadGrid
from d2lmini.widgets.mask_builder import MaskBuilder
from d2lmini.widgets.parameter_counter import ParameterCounter
from d2lmini.widgets.position_explorer import PositionExplorer

__all__ = [
    "AttentionSteps",
    "BPEStepper",
    "CacheExplorer",
    "DecodingExplorer",
    "HeadGrid",
    "MaskBuilder",
    "ParameterCounter",
    "PositionExplorer",
]
