"""Scaled dot-product attention: the equation, readable, and PyTorch's fused path beside it."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from d2lmini.masks import as_mask, to_additive
from d2lmini.shapes import check_shapes


def attention_weights(
    q: Float[Tensor, "*B Tq d_head"],
    k: Float[Tensor, "*B Tk d_head"],
    mask: Bool[Tensor, "..."] | None = None,
    bias: Float[Tensor, "..."] | None = None,
    *,
    scale: float | None = None,
) -> Float[Tensor, "*B Tq Tk"]:
    r"""How much each query looks at each key: softmax(q kᵀ / √d_head), rows sum to 1 (Vaswani et al. 2017, eq. 1).

    `mask` (True = may attend) and `bias` (added to the scaled scores) broadcast to (*B, Tq, Tk);
    `scale` replaces 1/√d_head. Beyond the paper: a query that may attend to nothing gets a row
    of zeros instead of NaN. Raises `ValueError` on shapes that disagree, `TypeError` on a mask
    that is not boolean.

    >>> q = k = torch.eye(2)
    >>> attention_weights(q, k, scale=0.0)
    tensor([[0.5000, 0.5000],
            [0.5000, 0.5000]])
    """
    size = check_shapes("q: * Tq d_head, k: * Tk d_head", q=q, k=k)
    scores = q @ k.transpose(-2, -1) * (size["d_head"] ** -0.5 if scale is None else scale)
    if bias is not None:
        scores = scores + bias
    if mask is None:
        return scores.softmax(dim=-1)
    weights = scores.masked_fill(~as_mask(mask), -torch.inf).softmax(dim=-1)
    return weights.masked_fill(~mask, 0.0)  # a row of −∞ gave NaN: zeros instead, and no NaN in the gradient either


def attention(
    q: Float[Tensor, "*B Tq d_head"],
    k: Float[Tensor, "*B Tk d_head"],
    v: Float[Tensor, "*B Tk d_value"],
    mask: Bool[Tensor, "..."] | None = None,
    bias: Float[Tensor, "..."] | None = None,
    *,
    scale: float | None = None,
) -> Float[Tensor, "*B Tq d_value"]:
    """Each query's mean of the values, weighted by `attention_weights` (Vaswani et al. 2017, eq. 1)."""
    check_shapes("q: * Tq d_head, k: * Tk d_head, v: * Tk d_value", q=q, k=k, v=v)
    return attention_weights(q, k, mask, bias, scale=scale) @ v


def fused_attention(
    q: Float[Tensor, "*B Tq d_head"],
    k: Float[Tensor, "*B Tk d_head"],
    v: Float[Tensor, "*B Tk d_value"],
    mask: Bool[Tensor, "..."] | None = None,
    bias: Float[Tensor, "..."] | None = None,
    *,
    scale: float | None = None,
) -> Float[Tensor, "*B Tq d_value"]:
    """The same function through `scaled_dot_product_attention`, which need not store the T × T weights.

    With four axes (B, H, T, d_head) its memory grows like T where `attention` needs T²; with fewer, PyTorch
    falls back to storing them on a CPU. Tests prove the two equal, zeros for a blind query included.
    """
    check_shapes("q: * Tq d_head, k: * Tk d_head, v: * Tk d_value", q=q, k=k, v=v)
    if mask is not None:
        bias = as_mask(mask) if bias is None else bias + to_additive(mask, q.dtype)
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=scale)
