"""Weights from PyTorch's own layers into ours, so that the two can be compared number by number."""

from typing import Any

import torch
from torch import nn

from d2lmini.attention import MultiHeadAttention
from d2lmini.blocks import DecoderBlock, EncoderBlock
from d2lmini.models.seq2seq import Transformer


def copy_linear(ours: nn.Linear, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
    """Give a layer of ours the weight (out, in) and the bias of theirs; `ValueError` when only one of them has a bias."""
    if (bias is None) != (ours.bias is None):
        have = {True: "a bias", False: "no bias"}
        ours_has, theirs_has = (have[b is not None] for b in (ours.bias, bias))
        raise ValueError(f"ours has {ours_has}, theirs has {theirs_has}; build ours with bias={bias is not None}.")
    with torch.no_grad():
        ours.weight.copy_(weight)
        if bias is not None:
            ours.bias.copy_(bias)


def copy_attention(ours: MultiHeadAttention, theirs: nn.MultiheadAttention) -> None:
    """From `nn.MultiheadAttention`, which keeps the three projections in one matrix."""
    weights = theirs.in_proj_weight.chunk(3)
    biases = [None] * 3 if theirs.in_proj_bias is None else theirs.in_proj_bias.chunk(3)
    for layer, weight, bias in zip((ours.query, ours.key, ours.value), weights, biases, strict=True):
        copy_linear(layer, weight, bias)
    copy_linear(ours.out, theirs.out_proj.weight, theirs.out_proj.bias)


def copy_encoder_block(ours: EncoderBlock | Any, theirs: nn.TransformerEncoderLayer) -> None:
    """From `nn.TransformerEncoderLayer`."""
    copy_attention(ours.attend, theirs.self_attn)
    _copy_feed_forward(ours, theirs)
    ours.around_attend.norm.load_state_dict(theirs.norm1.state_dict())
    ours.around_feed_forward.norm.load_state_dict(theirs.norm2.state_dict())


def copy_decoder_block(ours: DecoderBlock | Any, theirs: nn.TransformerDecoderLayer) -> None:
    """From `nn.TransformerDecoderLayer`."""
    copy_attention(ours.attend, theirs.self_attn)
    copy_attention(ours.cross, theirs.multihead_attn)
    _copy_feed_forward(ours, theirs)
    norms = (ours.around_attend, ours.around_cross, ours.around_feed_forward)
    for residual, norm in zip(norms, (theirs.norm1, theirs.norm2, theirs.norm3), strict=True):
        residual.norm.load_state_dict(norm.state_dict())


def copy_stacks(ours: Transformer, theirs: nn.Transformer) -> None:
    """From `nn.Transformer`, which has neither embeddings nor output layer: both stacks, and the final norms where we have them."""
    for block, layer in zip(ours.encoder, theirs.encoder.layers, strict=True):
        copy_encoder_block(block, layer)
    for block, layer in zip(ours.decoder, theirs.decoder.layers, strict=True):
        copy_decoder_block(block, layer)
    if ours.config.final_norm:
        ours.encoder_norm.load_state_dict(theirs.encoder.norm.state_dict())
        ours.decoder_norm.load_state_dict(theirs.decoder.norm.state_dict())


def _copy_feed_forward(ours: Any, theirs: Any) -> None:
    copy_linear(ours.feed_forward.wide, theirs.linear1.weight, theirs.linear1.bias)
    copy_linear(ours.feed_forward.narrow, theirs.linear2.weight, theirs.linear2.bias)
