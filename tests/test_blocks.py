"""Blocks and their parts: equal to PyTorch's layers in float64, pre- and post-norm, with and without masks."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaMLP

from d2lmini import interop, masks
from d2lmini.attention import MultiHeadAttention
from d2lmini.blocks import DecoderBlock, EncoderBlock, Residual, RMSNorm
from d2lmini.feedforward import FeedForward, GatedFeedForward

EXACT = {"rtol": 0, "atol": 1e-10}
SHAPES = [
    (1, 1, 3, 5, 2, 7),
    (2, 3, 5, 7, 11, 13),
    (3, 2, 7, 5, 3, 17),
    (2, 5, 3, 2, 13, 3),
    (5, 7, 2, 3, 2, 5),
]  # B, H, T, S, d_head, d_ff
EACH_SHAPE = pytest.mark.parametrize("shape", SHAPES)
ACTIVATIONS = {"relu": F.relu, "gelu": F.gelu}


def scrambled(layer):
    """Norms begin as ones and zeros, which would hide a missing one."""
    for p in layer.parameters():
        nn.init.normal_(p, std=0.3)
    return layer


def residual(d, pre_norm):
    return lambda: Residual(nn.LayerNorm(d), pre_norm=pre_norm)


def encoder_block(shape, pre_norm, activation=F.relu):
    b, h, t, s, d_head, d_ff = shape
    d = h * d_head
    return EncoderBlock(MultiHeadAttention(d, h), FeedForward(d, d_ff, activation), residual(d, pre_norm)).double()


def decoder_block(shape, pre_norm):
    b, h, t, s, d_head, d_ff = shape
    d = h * d_head
    return DecoderBlock(MultiHeadAttention(d, h), MultiHeadAttention(d, h), FeedForward(d, d_ff), residual(d, pre_norm)).double()


def vectors(shape):
    b, h, t, s, d_head, _ = shape
    generator = torch.Generator().manual_seed(sum(shape))
    return [torch.randn(b, n, h * d_head, generator=generator, dtype=torch.float64) for n in (t, s)]


@EACH_SHAPE
@pytest.mark.parametrize("pre_norm", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_encoder_block_equals_pytorch(shape, pre_norm, activation):
    torch.manual_seed(0)
    b, h, t, s, d_head, d_ff = shape
    theirs = scrambled(nn.TransformerEncoderLayer(
        h * d_head, h, d_ff, dropout=0.0, activation=activation, norm_first=pre_norm, batch_first=True, dtype=torch.float64))  # fmt: skip
    ours = encoder_block(shape, pre_norm, ACTIVATIONS[activation])
    interop.copy_encoder_block(ours, theirs)
    x, _ = vectors(shape)
    lengths = torch.arange(1, b + 1).clamp(max=t)
    assert_close(ours(x), theirs(x), **EXACT)
    assert_close(ours(x, masks.causal(t)), theirs(x, src_mask=~masks.causal(t)), **EXACT)
    real = masks.padding(lengths, t)
    assert_close(ours(x, real), theirs(x, src_key_padding_mask=~real[:, 0]), **EXACT)


@EACH_SHAPE
@pytest.mark.parametrize("pre_norm", [False, True])
def test_decoder_block_equals_pytorch(shape, pre_norm):
    torch.manual_seed(0)
    b, h, t, s, d_head, d_ff = shape
    theirs = scrambled(
        nn.TransformerDecoderLayer(h * d_head, h, d_ff, dropout=0.0, norm_first=pre_norm, batch_first=True, dtype=torch.float64)
    )
    ours = decoder_block(shape, pre_norm)
    interop.copy_decoder_block(ours, theirs)
    x, memory = vectors(shape)
    real = masks.padding(torch.arange(1, b + 1).clamp(max=s), s)
    expected = theirs(x, memory, tgt_mask=~masks.causal(t), memory_key_padding_mask=~real[:, 0])
    assert_close(ours(x, memory, masks.causal(t), real), expected, **EXACT)


@EACH_SHAPE
def test_rms_norm_equals_pytorch(shape):
    b, h, t, s, d_head, _ = shape
    d = h * d_head
    theirs = scrambled(nn.RMSNorm(d, eps=1e-6, dtype=torch.float64))
    ours = RMSNorm(d).double()
    ours.load_state_dict(theirs.state_dict())
    x, _ = vectors(shape)
    assert_close(ours(3 * x), theirs(3 * x), **EXACT)


def test_rms_norm_by_hand():
    assert_close(RMSNorm(2, eps=0.0)(torch.tensor([3.0, 4.0])), torch.tensor([3.0, 4.0]) / 12.5**0.5)


def test_gated_network_is_that_of_llama():
    torch.manual_seed(0)
    theirs = LlamaMLP(LlamaConfig(hidden_size=14, intermediate_size=11, num_attention_heads=1, num_key_value_heads=1)).double()
    ours = GatedFeedForward(14, 11).double()
    for mine, other in ((ours.gate, theirs.gate_proj), (ours.wide, theirs.up_proj), (ours.narrow, theirs.down_proj)):
        mine.load_state_dict(other.state_dict())
    x = torch.randn(2, 3, 14, dtype=torch.float64)
    assert_close(ours(x), theirs(x), **EXACT)
    assert (GatedFeedForward(14, 11, F.gelu).double()(x) - ours(x)).abs().max() > 1e-3


def test_pre_norm_leaves_the_stream_alone_and_post_norm_does_not():
    x = torch.randn(3, 5, dtype=torch.float64)
    for pre_norm, expected in ((True, x), (False, F.layer_norm(x, (5,)))):
        around = Residual(nn.LayerNorm(5, dtype=torch.float64), pre_norm=pre_norm)
        assert_close(around(x, torch.zeros_like), expected, **EXACT)


def test_dropout_acts_on_the_detour_only_and_in_training_only():
    x = torch.ones(1, 1000)
    around = Residual(nn.Identity(), pre_norm=True, dropout=0.25)
    dropped = around(x, lambda y: y)
    assert dropped.unique().tolist() == pytest.approx([1.0, 1 + 1 / 0.75])
    assert 0.15 < (dropped == 1).float().mean() < 0.35
    assert around.eval()(x, lambda y: y).eq(2).all()
