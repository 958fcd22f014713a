"""Who may look at whom: boolean masks, True = may attend, and the conventions of other libraries.

Every mask broadcasts against scores of shape (*B, Tq, Tk).
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def causal(n_query: int, n_key: int | None = None) -> Bool[Tensor, "Tq Tk"]:
    """Each query sees itself and the past (Vaswani et al. 2017, §3.2.3).

    With more keys than queries the last query is aligned with the last key, as when a decoder
    keeps the keys of earlier tokens.

    >>> causal(3).int()
    tensor([[1, 0, 0],
            [1, 1, 0],
            [1, 1, 1]], dtype=torch.int32)
    """
    n_key = n_query if n_key is None else n_key
    if n_key < n_query:
        raise ValueError(f"n_key={n_key} must be at least n_query={n_query}, or the first queries would see nothing; try n_key={n_query}.")
    return torch.ones(n_query, n_key, dtype=torch.bool).tril(n_key - n_query)


def padding(lengths: Int[Tensor, "*B"], n_key: int) -> Bool[Tensor, "*B 1 Tk"]:
    """Every query sees the real keys of its own sequence, never the filling after its end.

    >>> padding(torch.tensor([1, 3]), 3).int()
    tensor([[[1, 0, 0]],
    <BLANKLINE>
            [[1, 1, 1]]], dtype=torch.int32)
    """
    if lengths.numel() and not 0 <= int(lengths.min()) <= int(lengths.max()) <= n_key:
        raise ValueError(f"lengths={lengths.tolist()} must lie between 0 and n_key={n_key}; truncate the sequences first.")
    return (torch.arange(n_key, device=lengths.device) < lengths[..., None])[..., None, :]


def prefix(n: int, n_prefix: int) -> Bool[Tensor, "T T"]:
    """The first `n_prefix` tokens see each other; the rest is causal (Raffel et al. 2020, §3.2.1)."""
    if not 0 <= n_prefix <= n:
        raise ValueError(f"n_prefix={n_prefix} must lie between 0 and n={n}; try n_prefix={min(max(n_prefix, 0), n)}.")
    return causal(n) | (torch.arange(n) < n_prefix)


def sliding_window(n: int, width: int, *, look_ahead: bool = False) -> Bool[Tensor, "T T"]:
    """Each query sees `width` tokens that end with itself (Beltagy et al. 2020, §3.1).

    With `look_ahead` the window also opens to the right, `width - 1` tokens on either side.
    """
    if width < 1:
        raise ValueError(f"width={width} must be at least 1: a token sees itself; try width=1.")
    offset = torch.arange(n)[:, None] - torch.arange(n)
    return offset.abs() < width if look_ahead else (offset >= 0) & (offset < width)


def block_diagonal(segment: Int[Tensor, "*B T"]) -> Bool[Tensor, "*B T T"]:
    """Several texts packed in one row: each token sees its own text only.

    >>> block_diagonal(torch.tensor([0, 0, 1])).int()
    tensor([[1, 1, 0],
            [1, 1, 0],
            [0, 0, 1]], dtype=torch.int32)
    """
    return segment[..., :, None] == segment[..., None, :]


def combine(*masks: Bool[Tensor, "..."] | None) -> Bool[Tensor, "..."] | None:
    """May attend only where every mask agrees; None forbids nothing."""
    result: Tensor | None = None
    for mask in masks:
        if mask is not None:
            result = mask if result is None else result & mask
    return result


# --- the conventions of others ---------------------------------------------------------------


def to_blocked(mask: Bool[Tensor, "..."]) -> Bool[Tensor, "..."]:
    """True = must not attend: what `nn.MultiheadAttention` and `nn.Transformer` call a mask."""
    return ~as_mask(mask)


def to_additive(mask: Bool[Tensor, "..."], dtype: torch.dtype = torch.float32) -> Float[Tensor, "..."]:
    """0 where attending is allowed and −∞ elsewhere, to be added to the scores.

    >>> to_additive(causal(2))
    tensor([[0., -inf],
            [0., 0.]])
    """
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(~as_mask(mask), -torch.inf)


def from_additive(bias: Float[Tensor, "..."]) -> Bool[Tensor, "..."]:
    """Read a mask of 0 and −∞; below −5 000 counts as −∞, for libraries write −10⁴, −10⁹ or the type's least number."""
    return bias > -5_000


def from_ones(ones: Int[Tensor, "*B T"]) -> Bool[Tensor, "*B 1 T"]:
    """Read the `attention_mask` of Hugging Face, one row of 1 (token) and 0 (padding) a text."""
    return ones.bool()[..., None, :]


def as_mask(mask: Tensor) -> Bool[Tensor, "..."]:
    """Refuse what is not boolean, for 0 and 1 would silently mean something else."""
    if mask.dtype != torch.bool:
        raise TypeError(
            f"a mask must be boolean with True = may attend, not {mask.dtype}; "
            "convert it with d2lmini.masks.from_additive, from_ones, or ~mask for a mask of blocked places."
        )
    return mask


# --- a mask is what a model does, not what it says ----------------------------------------------


def influence(model: Callable[[Tensor], Tensor], x: Float[Tensor, "T d"]) -> Bool[Tensor, "T T"]:
    """Which inputs really reach which outputs, by gradients: row i, column j is True when ∂y_i/∂x_j ≠ 0.

    The test for a leak: `influence(model, x)` may be True only where the mask is, and on the diagonal, for
    in self-attention the query of row i is made from x_i.
    """
    x = x.detach().clone().requires_grad_()
    rows = [torch.autograd.grad(y.abs().sum(), x, retain_graph=True)[0].abs().sum(-1) > 0 for y in model(x)]
    return torch.stack(rows)
