"""Positions: values by hand, agreement with Hugging Face's implementations in float64, and what each scheme promises."""

import math

import pytest
import torch
from torch.testing import assert_close
from transformers import LlamaConfig, T5Config
from transformers.models.bloom.modeling_bloom import build_alibi_tensor
from transformers.models.gptj.modeling_gptj import apply_rotary_pos_emb as gptj_rotate
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb as llama_rotate
from transformers.models.t5.modeling_t5 import T5Attention

from d2lmini import positions
from d2lmini.attention import MultiHeadAttention
from d2lmini.positions import ALiBi, Learned, Positions, Rotary, Shaw, Sinusoidal, T5Buckets, TransformerXL, sinusoid

EXACT = {"rtol": 0, "atol": 1e-10}
SHAPES = [(1, 2, 3, 4), (2, 3, 5, 14), (3, 5, 7, 2), (1, 11, 13, 6), (2, 7, 29, 10)]  # B, H, T, d_head
EACH_SHAPE = pytest.mark.parametrize("shape", SHAPES)


def qk(shape, n_query=None, seed=0):
    b, h, t, d = shape
    generator = torch.Generator().manual_seed(seed)
    q, k = (torch.randn(b, h, t, d, generator=generator, dtype=torch.float64) for _ in range(2))
    return q[..., -(n_query or t) :, :], k


def randomized(module):
    """Parameters that begin at zero would hide mistakes."""
    generator = torch.Generator().manual_seed(1)
    for p in module.parameters():
        p.data = torch.randn(p.shape, generator=generator, dtype=torch.float64)
    return module.double()


SCHEMES = {
    "shaw": lambda h, d: Shaw(d, clip=4),
    "transformer-xl": lambda h, d: TransformerXL(h, d, 6),
    "t5": lambda h, d: T5Buckets(h, causal=False, n_bucket=8, max_distance=12),
    "t5 causal": lambda h, d: T5Buckets(h, causal=True, n_bucket=8, max_distance=12),
    "alibi": lambda h, d: ALiBi(h),
    "rotary": lambda h, d: Rotary(d),
    "rotary, interleaved": lambda h, d: Rotary(d, interleaved=True),
}


def scores(scheme, q, k):
    """Scaled scores with positions, as `MultiHeadAttention` makes them."""
    q, k = scheme.turn(q, k)
    plain = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    bias = scheme.bias(q, k)
    return plain if bias is None else plain + bias


def test_waves_by_hand():
    table = sinusoid(torch.arange(3.0), 4)
    expected = [[0, 1, 0, 1], [math.sin(1), math.cos(1), math.sin(0.01), math.cos(0.01)],
                [math.sin(2), math.cos(2), math.sin(0.02), math.cos(0.02)]]  # fmt: skip
    assert_close(table, torch.tensor(expected))


def test_an_offset_is_a_rotation_of_the_waves():
    k, p, d = 5, torch.arange(7, dtype=torch.float64), 6
    move = torch.zeros(d, d, dtype=torch.float64)
    for c, f in enumerate(positions.frequencies(d)):
        cos, sin = (k * f).cos(), (k * f).sin()
        move[2 * c : 2 * c + 2, 2 * c : 2 * c + 2] = torch.tensor([[cos, sin], [-sin, cos]])
    assert_close(sinusoid(p + k, d), sinusoid(p, d) @ move.T, **EXACT)


def test_absolute_schemes_start_where_they_are_told():
    x = torch.zeros(2, 3, 6, dtype=torch.float64)
    for scheme in (Sinusoidal(6), randomized(Learned(11, 6))):
        whole = scheme.embed(torch.zeros(11, 6, dtype=torch.float64))
        assert_close(scheme.embed(x, start=4)[1], whole[4:7], **EXACT)


@EACH_SHAPE
@pytest.mark.parametrize("interleaved", [False, True])
def test_rotary_is_that_of_llama_or_of_gptj(shape, interleaved):
    q, k = qk(shape)
    _, _, t, d = shape
    ours = Rotary(d, interleaved=interleaved).turn(q, k)
    if interleaved:
        angle = torch.arange(t)[:, None] * positions.frequencies(d)
        theirs = [gptj_rotate(x.transpose(1, 2), angle.sin()[None], angle.cos()[None]).transpose(1, 2) for x in (q, k)]
    else:
        config = LlamaConfig(hidden_size=d, num_attention_heads=1, head_dim=d, rope_parameters={"rope_type": "default", "rope_theta": 1e4})
        rotary = LlamaRotaryEmbedding(config)
        rotary.inv_freq = positions.frequencies(d)  # theirs is rounded to float32
        cos, sin = _llama_tables(rotary, t)
        theirs = llama_rotate(q, k, cos, sin)
    for mine, other in zip(ours, theirs, strict=True):
        assert_close(mine, other, **EXACT)


def _llama_tables(rotary, t):
    """Their cosines and sines, without the rounding to float32 that their forward forces."""
    angle = torch.cat([torch.arange(t)[:, None] * rotary.inv_freq] * 2, dim=-1)
    rounded = rotary(torch.zeros(1, dtype=torch.float64), torch.arange(t)[None])
    assert_close(rounded[0][0], angle.cos(), rtol=0, atol=1e-5)  # the layout is theirs
    return angle.cos()[None], angle.sin()[None]


@EACH_SHAPE
@pytest.mark.parametrize("causal", [False, True])
def test_t5_buckets_and_bias_are_those_of_hugging_face(shape, causal):
    b, h, t, d = shape
    t *= 9  # far enough for the last bucket
    config = T5Config(d_model=h * d, d_kv=d, num_heads=h, is_decoder=causal)
    theirs = T5Attention(config, has_relative_attention_bias=True).double()
    ours = T5Buckets(h, causal=causal)
    ours.table.data = theirs.relative_attention_bias.weight.data
    q, k = qk((b, h, t, d))
    assert_close(ours.bias(q, k), theirs.compute_bias(t, t)[0], **EXACT)


@EACH_SHAPE
def test_alibi_is_that_of_bloom(shape):
    b, h, t, d = shape
    theirs = build_alibi_tensor(torch.ones(1, t), h, torch.float64).reshape(h, 1, t).expand(h, t, t)  # slope × key
    theirs = theirs - theirs.diagonal(dim1=-2, dim2=-1)[..., None]  # a constant a row changes no weight: 0 at the query itself
    past = torch.ones(t, t, dtype=torch.bool).tril()
    atol = 1e-10 if h <= 8 else 1e-6  # beyond 8 heads some slopes are irrational, and float32 on both sides
    assert_close(ALiBi(h).bias(*qk(shape))[:, past], theirs[:, past], rtol=0, atol=atol)


@EACH_SHAPE
def test_shaw_is_its_equation(shape):
    b, h, t, d = shape
    scheme, (q, k) = randomized(Shaw(d, clip=3)), qk(shape)
    expected = torch.empty(b, h, t, t, dtype=torch.float64)
    for i in range(t):
        for j in range(t):
            a = scheme.table[max(-3, min(3, j - i)) + 3]
            expected[..., i, j] = (q[..., i, :] * (k[..., j, :] + a)).sum(-1) / d**0.5
    assert_close(scores(scheme, q, k), expected, **EXACT)


@EACH_SHAPE
def test_transformer_xl_is_its_equation(shape):
    b, h, t, d = shape
    scheme, (q, k) = randomized(TransformerXL(h, d, 6)), qk(shape)
    expected = torch.empty(b, h, t, t, dtype=torch.float64)
    for i in range(t):
        for j in range(t):
            r = scheme.relative(sinusoid(torch.tensor(i - j, dtype=torch.float64), 6)).view(h, d)
            content = (q[..., i, :] + scheme.u[:, 0]) * k[..., j, :]
            position = (q[..., i, :] + scheme.v[:, 0]) * r
            expected[..., i, j] = (content + position).sum(-1) / d**0.5
    assert_close(scores(scheme, q, k), expected, **EXACT)


@pytest.mark.parametrize("name", SCHEMES)
def test_only_the_offset_counts(name):
    """Put the same queries and keys 4 places later, and no score between them changes."""
    b, h, t, d = 2, 3, 7, 10
    scheme = randomized(SCHEMES[name](h, d))
    q, k = qk((b, h, t, d))
    before = torch.zeros(b, h, 4, d, dtype=torch.float64)
    later = scores(scheme, *(torch.cat([before, x], dim=-2) for x in (q, k)))
    assert_close(later[..., 4:, 4:], scores(scheme, q, k), **EXACT)


@pytest.mark.parametrize("name", SCHEMES)
def test_the_last_queries_are_those_of_the_whole(name):
    """What a decoder asks that keeps the keys of earlier tokens."""
    shape = (2, 3, 11, 10)
    scheme = randomized(SCHEMES[name](3, 10))
    whole, last = scores(scheme, *qk(shape)), scores(scheme, *qk(shape, n_query=4))
    assert_close(last, whole[..., -4:, :], **EXACT)


@pytest.mark.parametrize("name", [*SCHEMES, "sinusoidal", "learned"])
def test_order_counts_with_a_scheme_and_not_without(name):
    torch.manual_seed(0)
    attend = MultiHeadAttention(30, 3).double()
    absolute = {"sinusoidal": Sinusoidal(30), "learned": randomized(Learned(7, 30))}
    scheme = absolute.get(name) or randomized(SCHEMES[name](3, 10))
    x, order = torch.randn(7, 30, dtype=torch.float64), torch.randperm(7)

    def run(x, scheme):
        return attend(scheme.embed(x), positions=scheme)

    assert_close(run(x[order], Positions()), run(x, Positions())[order], **EXACT)
    assert (run(x[order], scheme) - run(x, scheme)[order]).abs().max() > 1e-3


def test_rotary_keeps_lengths_and_leaves_the_first_token_alone():
    q, k = qk((2, 3, 5, 14))
    turned, _ = Rotary(14).turn(q, k)
    assert_close(turned.norm(dim=-1), q.norm(dim=-1), **EXACT)
    assert_close(turned[..., 0, :], q[..., 0, :], **EXACT)
    assert (turned[..., 1:, :] - q[..., 1:, :]).abs().amax(-1).min() > 1e-3


def test_the_two_rotary_conventions_differ_by_a_permutation():
    q, k = qk((2, 3, 5, 14))
    order = torch.arange(14).view(2, 7).T.flatten()  # 0, 7, 1, 8…
    halves, _ = Rotary(14).turn(q, k)
    pairs, _ = Rotary(14, interleaved=True).turn(q[..., order], k[..., order])
    assert_close(pairs, halves[..., order], **EXACT)
    assert (Rotary(14, interleaved=True).turn(q, k)[0] - halves).abs().max() > 0.1


def test_slopes_of_eight_heads_are_those_of_the_paper():
    assert_close(positions.alibi_slopes(8), torch.tensor([2.0**-n for n in range(1, 9)]))
    assert_close(positions.alibi_slopes(3), torch.tensor([2.0**-4, 2.0**-8, 2.0**-2]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sinusoid(torch.zeros(1), 5), "d_model=5 must be even.*try d_model=6"),
        (lambda: Rotary(7), "d_head=7 must be even.*try d_head=8"),
        (lambda: Learned(4, 6).embed(torch.zeros(5, 6)), "position 4 must be below n_position=4"),
        (lambda: Learned(4, 6).embed(torch.zeros(2, 6), start=3), "position 4 must be below n_position=4"),
    ],
)
def test_errors_give_value_rule_and_repair(call, message):
    with pytest.raises(ValueError, match=message):
        call()
