"""Masks: values by hand, agreement with other libraries' conventions, and what really leaks."""

import pytest
import torch
from torch import nn

from d2lmini import masks
from d2lmini.attention import attention, attention_weights

T = 7


def rows(mask):
    return ["".join("x" if cell else "." for cell in row) for row in mask.tolist()]


def test_drawn_by_hand():
    assert rows(masks.causal(3)) == ["x..", "xx.", "xxx"]
    assert rows(masks.causal(2, 5)) == ["xxxx.", "xxxxx"]
    assert rows(masks.prefix(5, 3)) == ["xxx..", "xxx..", "xxx..", "xxxx.", "xxxxx"]
    assert rows(masks.sliding_window(5, 2)) == ["x....", "xx...", ".xx..", "..xx.", "...xx"]
    assert rows(masks.sliding_window(5, 2, look_ahead=True)) == ["xx...", "xxx..", ".xxx.", "..xxx", "...xx"]
    assert rows(masks.block_diagonal(torch.tensor([0, 0, 0, 1, 1]))) == ["xxx..", "xxx..", "xxx..", "...xx", "...xx"]
    assert [rows(m) for m in masks.padding(torch.tensor([0, 2, 3]), 3)] == [["..."], ["xx."], ["xxx"]]


def test_edges():
    assert rows(masks.prefix(3, 0)) == rows(masks.causal(3))
    assert masks.prefix(3, 3).all() and masks.sliding_window(3, 1).equal(torch.eye(3, dtype=torch.bool))
    assert masks.padding(torch.tensor([[1], [2]]), 3).shape == (2, 1, 1, 3)
    assert masks.causal(0).shape == (0, 0)


def test_combination_is_an_and_that_broadcasts():
    lengths = torch.tensor([2, 3])
    both = masks.combine(masks.causal(3), None, masks.padding(lengths, 3))
    assert rows(both[0]) == ["x..", "xx.", "xx."] and rows(both[1]) == ["x..", "xx.", "xxx"]
    assert masks.combine() is None and masks.combine(None, None) is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: masks.causal(3, 2), "n_key=2 must be at least n_query=3"),
        (lambda: masks.padding(torch.tensor([4]), 3), r"lengths=\[4\] must lie between 0 and n_key=3"),
        (lambda: masks.padding(torch.tensor([-1]), 3), "must lie between 0"),
        (lambda: masks.prefix(3, 4), "n_prefix=4 must lie between 0 and n=3; try n_prefix=3"),
        (lambda: masks.prefix(3, -1), "try n_prefix=0"),
        (lambda: masks.sliding_window(3, 0), "width=0 must be at least 1"),
    ],
)
def test_errors_give_value_rule_and_repair(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_mask_of_numbers_is_refused():
    with pytest.raises(TypeError, match=r"must be boolean with True = may attend, not torch\.float32.*from_additive"):
        masks.as_mask(torch.ones(2, 2))


def test_additive_round_trip_and_the_large_numbers_of_others():
    mask = masks.causal(T)
    assert masks.from_additive(masks.to_additive(mask)).equal(mask)
    for minimum in (-1e4, -1e9, torch.finfo(torch.float32).min):
        assert masks.from_additive(torch.zeros(T, T).masked_fill(~mask, minimum)).equal(mask)
    assert masks.from_additive(torch.full((1, 1), -900.0)).all(), "a strong bias is not a mask"


def test_ones_of_hugging_face():
    ones = torch.tensor([[1, 1, 0], [1, 0, 0]])
    assert masks.from_ones(ones).equal(masks.padding(torch.tensor([2, 1]), 3))


def test_to_blocked_is_what_pytorch_modules_want():
    torch.manual_seed(0)
    module = nn.MultiheadAttention(11, 1, batch_first=True, dtype=torch.float64)
    x = torch.randn(2, T, 11, dtype=torch.float64)
    mask = masks.causal(T)
    theirs, _ = module(x, x, x, attn_mask=masks.to_blocked(mask))
    q, k, v = (x @ w.T + b for w, b in zip(module.in_proj_weight.chunk(3), module.in_proj_bias.chunk(3), strict=True))
    torch.testing.assert_close(theirs, module.out_proj(attention(q, k, v, mask)), rtol=0, atol=1e-12)


PACKED = masks.block_diagonal(torch.tensor([0, 0, 0, 1, 1, 2, 2]))


@pytest.mark.parametrize("mask", [masks.causal(T), masks.prefix(T, 3), masks.sliding_window(T, 2), PACKED])
def test_gradients_flow_exactly_where_the_mask_allows(mask):
    torch.manual_seed(0)
    w_q, w_k, w_v = torch.randn(3, 5, 5, dtype=torch.float64)
    x = torch.randn(T, 5, dtype=torch.float64)
    assert masks.influence(lambda x: attention(x @ w_q, x @ w_k, x @ w_v, mask), x).equal(mask)


def test_influence_sees_a_leak_that_the_printed_weights_hide():
    """Masking after the softmax: no weight on the future, and yet the future shows through the denominator."""

    def leaky(x):
        weights = attention_weights(x, x) * masks.causal(T)
        return weights @ x

    seen = masks.influence(leaky, torch.randn(T, 5))
    assert (seen & ~masks.causal(T)).any()
