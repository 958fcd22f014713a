"""What pretraining asks: tokens hidden, pairs of sentences, spans dropped, the next token, and texts packed in rows."""

from d2lmini.objectives.ignore import IGNORE
from d2lmini.objectives.masking import mask_tokens, whole_words
from d2lmini.objectives.packing import Packed, chunks, pack, packed_mask, packed_targets
from d2lmini.objectives.pairs import join_pair, next_sentences, sentence_order
from d2lmini.objectives.shifting import PrefixRow, framed, next_token, prefix_lm
from d2lmini.objectives.spans import corrupt_at, corrupt_spans, restore_spans

__all__ = [
    "IGNORE",
    "Packed",
    "PrefixRow",
    "chunks",
    "corrupt_at",
    "corrupt_spans",
    "framed",
    "join_pair",
    "mask_tokens",
    "next_sentences",
    "next_token",
    "pack",
    "packed_mask",
    "packed_targets",
    "prefix_lm",
    "restore_spans",
    "sentence_order",
    "whole_words",
]
