"""Attention: by hand, against PyTorch in float64 on prime sizes, and its properties."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from d2lmini import masks
from d2lmini.attention import attention, attention_weights, fused_attention

B, H, TQ, TK, D, DV = 2, 3, 5, 11, 7, 13
EXACT = {"rtol": 0, "atol": 1e-12}


def qkv(*leading, seed=0, t_q=TQ, t_k=TK):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*leading, *shape, generator=generator, dtype=torch.float64) for shape in ((t_q, D), (t_k, D), (t_k, DV))]


def a_mask(*leading, seed=1):
    mask = torch.rand(*leading, TQ, TK, generator=torch.Generator().manual_seed(seed)) < 0.6
    mask[..., 0] = True
    return mask


def test_two_keys_by_hand():
    q, k, v = torch.tensor([[1.0]]), torch.tensor([[0.0], [math.log(3)]]), torch.tensor([[8.0], [4.0]])
    assert_close(attention_weights(q, k), torch.tensor([[0.25, 0.75]]))
    assert_close(attention(q, k, v), torch.tensor([[5.0]]))


@pytest.mark.parametrize("leading", [(), (B,), (B, H)])
@pytest.mark.parametrize("function", [attention, fused_attention])
def test_equals_pytorch(leading, function):
    q, k, v = qkv(*leading)
    mask, bias = a_mask(*leading), torch.randn(TQ, TK, dtype=torch.float64)
    assert_close(function(q, k, v), F.scaled_dot_product_attention(q, k, v), **EXACT)
    assert_close(function(q, k, v, mask), F.scaled_dot_product_attention(q, k, v, attn_mask=mask), **EXACT)
    assert_close(function(q, k, v, bias=bias, scale=0.3), F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=0.3), **EXACT)
    additive = bias + masks.to_additive(mask, torch.float64)
    assert_close(function(q, k, v, mask, bias), F.scaled_dot_product_attention(q, k, v, attn_mask=additive), **EXACT)


def test_readable_and_fused_paths_have_the_same_gradients():
    def gradients(function):
        q, k, v = (x.requires_grad_() for x in qkv(B))
        function(q, k, v, mask).sin().sum().backward()
        return q.grad, k.grad, v.grad

    mask = a_mask(B)
    mask[0, 2] = False
    for ours, fused in zip(gradients(attention), gradients(fused_attention), strict=True):
        assert ours.isfinite().all()
        assert_close(ours, fused, **EXACT)


@pytest.mark.parametrize("function", [attention, fused_attention])
def test_a_query_that_sees_nothing_gets_zeros_and_a_finite_gradient(function):
    q, k, v = (x.requires_grad_() for x in qkv(B))
    mask = a_mask(B)
    mask[1, 3] = False
    y = function(q, k, v, mask)
    assert (y[1, 3] == 0).all() and y[0, 3].abs().min() > 0
    y.sum().backward()
    assert q.grad.isfinite().all() and (q.grad[1, 3] == 0).all()


def test_rows_are_distributions_and_masked_places_get_exactly_nothing():
    q, k, _ = qkv(B, H)
    mask = a_mask(B, H)
    weights = attention_weights(q, k, mask)
    assert_close(weights.sum(-1), torch.ones(B, H, TQ, dtype=torch.float64), **EXACT)
    assert (weights[~mask] == 0).all() and (weights[mask] > 0).all()


def test_order_of_keys_does_not_matter_and_order_of_queries_carries_over():
    q, k, v = qkv()
    keys, queries = torch.randperm(TK), torch.randperm(TQ)
    assert_close(attention(q, k[keys], v[keys]), attention(q, k, v), **EXACT)
    assert_close(attention(q[queries], k, v), attention(q, k, v)[queries], **EXACT)


@pytest.mark.parametrize("function", [attention, fused_attention])
def test_causality_by_intervention(function):
    q, k, v = qkv(t_q=TK)
    before = function(q, k, v, masks.causal(TK))
    for moment in (4, 9):
        k2, v2 = k.clone(), v.clone()
        k2[moment], v2[moment] = 3.0, -2.0
        after = function(q, k2, v2, masks.causal(TK))
        assert_close(after[:moment], before[:moment], rtol=0, atol=0)
        assert (after[moment:] - before[moment:]).abs().amax(-1).min() > 1e-3, "the past must reach each later query"


@pytest.mark.parametrize("function", [attention, fused_attention])
def test_a_masked_key_weighs_nothing_however_large_its_score(function):
    q, k, v = qkv()
    mask = torch.ones(TQ, TK, dtype=torch.bool)
    mask[:, 4] = False
    k[4] = 1e3 * q.sum(0)
    others = [i for i in range(TK) if i != 4]
    assert_close(function(q, k, v, mask), function(q, k[others], v[others]), **EXACT)


def test_large_scores_do_not_overflow():
    q = torch.tensor([[1e4]])
    assert_close(attention_weights(q, torch.tensor([[1e4], [0.0]])), torch.tensor([[1.0, 0.0]]))


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((5, 7), (3, 11), (3, 2)), r"axis d_head is 11 in k \(3, 11\) but 7 in q \(5, 7\)"),
        (((5, 7), (3, 7), (4, 2)), r"axis Tk is 4 in v \(4, 2\) but 3 in k \(3, 7\)"),
        (((7,), (3, 7), (3, 2)), r"q has shape \(7,\), 1 axes, but must look like \(\*, Tq, d_head\).*unsqueeze"),
    ],
)
@pytest.mark.parametrize("function", [attention, fused_attention])
def test_shapes_that_disagree_are_named(shapes, message, function):
    function = getattr(function, "__wrapped__", function)  # the reader's error, not the test hook's
    with pytest.raises(ValueError, match=message):
        function(*map(torch.zeros, shapes))


def test_a_mask_of_numbers_is_refused():
    q, k, v = qkv()
    for function in (attention_weights, fused_attention):
        function = getattr(function, "__wrapped__", function)
        with pytest.raises(TypeError, match="must be boolean"):
            function(q, k, *([v] if function.__name__ == "fused_attention" else []), torch.ones(TQ, TK))
