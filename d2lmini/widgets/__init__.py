"""Live figures: computed in the reader's browser, the same in a notebook and in the static book."""

from d2lmini.widgets.attention_steps import AttentionSteps
from d2lmini.widgets.bpe_stepper import BPEStepper
from d2lmini.widgets.cache_explorer import CacheExplorer
from d2lmini.widgets.decoding_explorer import DecodingExplorer
from d2lmini.widgets.head_grid import HeadGrid
from d2lmini.widgets.mask_builder import MaskBuilder
from d2lmini.widgets.mlm_playground import MLMPlayground
from d2lmini.widgets.parameter_counter import ParameterCounter
from d2lmini.widgets.position_explorer import PositionExplorer
from d2lmini.widgets.prompt_composer import PromptComposer
from d2lmini.widgets.span_corruption import SpanCorruption
from d2lmini.widgets.three_modes import ThreeModes

__all__ = [
    "AttentionSteps",
    "BPEStepper",
    "CacheExplorer",
    "DecodingExplorer",
    "HeadGrid",
    "MLMPlayground",
    "MaskBuilder",
    "ParameterCounter",
    "PositionExplorer",
    "PromptComposer",
    "SpanCorruption",
    "ThreeModes",
]
