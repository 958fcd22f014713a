"""Scaled dot-product attention: the equation, readable, and PyTorch's fused path beside it; then several of them, as heads."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from d2lmini.cache import KeyValues
from d2lmini.masks import as_mask, to_additive
from d2lmini.positions import Positions
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
    if bias is not None and bias.ndim < q.ndim:
        bias = bias.reshape((1,) * (q.ndim - bias.ndim) + bias.shape)  # with three axes PyTorch would store the weights after all
    return F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=scale)


# --- several heads --------------------------------------------------------------------------------------------


def split_heads(x: Float[Tensor, "*B T d"], n_head: int) -> Float[Tensor, "*B H T d_head"]:
    """Cut each vector into `n_head` pieces, and put the heads before the tokens."""
    return x.unflatten(-1, (n_head, -1)).transpose(-3, -2)


def merge_heads(x: Float[Tensor, "*B H T d_head"]) -> Float[Tensor, "*B T d"]:
    """The pieces of each token side by side again: the inverse of `split_heads`."""
    return x.transpose(-3, -2).flatten(-2)


class MultiHeadAttention(nn.Module):
    r"""H attentions at once, on H projections of the same tokens, joined by W_O (Vaswani et al. 2017, §3.2.2).

    head_h = attention(x W_Q[h], memory W_K[h], memory W_V[h]); the output is [head_1 … head_H] W_O. A head has `d_head`
    coordinates, d_model / n_head by default. With `n_kv_head` below `n_head`, each key and value serves a group of
    query heads (Ainslie et al. 2023); with 1, all of them (Shazeer 2019). Beyond the paper, whose maps are linear:
    biases, unless `bias=False`. Raises `ValueError` on sizes that don't divide.
    """

    def __init__(self, d_model: int, n_head: int, *, n_kv_head: int | None = None, d_head: int | None = None, bias: bool = True) -> None:
        super().__init__()
        self.n_head, self.n_kv_head = n_head, n_kv_head or n_head
        if d_head is None and d_model % n_head:
            more = -(-d_model // n_head) * n_head
            raise ValueError(f"d_model={d_model} must be a multiple of n_head={n_head}; try d_model={more}, or give d_head.")
        if n_head % self.n_kv_head:
            fewer = max(n for n in range(1, self.n_kv_head) if n_head % n == 0)
            raise ValueError(f"n_head={n_head} must be a multiple of n_kv_head={n_kv_head}; try n_kv_head={fewer}.")
        d_head = d_head or d_model // n_head
        self.query = nn.Linear(d_model, n_head * d_head, bias=bias)
        self.key = nn.Linear(d_model, self.n_kv_head * d_head, bias=bias)
        self.value = nn.Linear(d_model, self.n_kv_head * d_head, bias=bias)
        self.out = nn.Linear(n_head * d_head, d_model, bias=bias)

    def forward(
        self,
        x: Float[Tensor, "*B Tq d_model"],
        memory: Float[Tensor, "*B Tk d_model"] | None = None,
        *,
        mask: Bool[Tensor, "..."] | None = None,
        positions: Positions | None = None,
        cache: KeyValues | None = None,
        return_weights: bool = False,
    ) -> Any:
        """(*B, Tq, d_model); with `return_weights`, also the weights (*B, H, Tq, Tk).

        Keys and values come from `memory`, or from x itself. `mask` broadcasts to (*B, Tq, Tk), the same for all heads,
        True = may attend. The weights take the readable path, everything else the fused one; tests prove them equal.
        With a `cache`, x holds new tokens only and joins the keys and values of the earlier ones; `memory` is read once.
        """
        q = split_heads(self.query(x), self.n_head)  # (*B, H, Tq, d_head)
        if memory is not None and cache is not None and cache.length:
            k, v = cache.held()
        else:
            k, v = (split_heads(project(x if memory is None else memory), self.n_kv_head) for project in (self.key, self.value))
            if positions is not None:
                q, k = positions.turn(q, k, start=0 if cache is None else cache.length)
            if cache is not None:
                k, v = cache.append(k, v)
        group = self.n_head // self.n_kv_head
        if group > 1:
            k, v = k.repeat_interleave(group, dim=-3), v.repeat_interleave(group, dim=-3)  # (*B, H, Tk, d_head)
        bias = None if positions is None else positions.bias(q, k)
        mask = None if mask is None else mask.unsqueeze(-3)
        if not return_weights:
            return self.out(merge_heads(fused_attention(q, k, v, mask, bias)))
        weights = attention_weights(q, k, mask, bias)
        return self.out(merge_heads(weights @ v)), weights

    def extra_repr(self) -> str:
        """The numbers of heads."""
        return f"n_head={self.n_head}, n_kv_head={self.n_kv_head}"


@contextmanager
def recorded(model: nn.Module) -> Iterator[dict[str, list[Tensor]]]:
    """The weights of each `MultiHeadAttention` that runs inside the block, by its name in the model, one entry a call.

    >>> layer = nn.Sequential(MultiHeadAttention(4, 2))
    >>> with recorded(layer) as seen:
    ...     _ = layer(torch.zeros(3, 4))
    >>> [tuple(weights.shape) for weights in seen["0"]]
    [(2, 3, 3)]
    """
    seen: dict[str, list[Tensor]] = defaultdict(list)

    def hook(name: str) -> Any:
        def see(module: nn.Module, args: tuple, kwargs: dict[str, Any], output: Tensor) -> None:
            if kwargs.get("cache") is not None:
                raise ValueError(f"attention {name!r} runs with a cache, which a second look would fill twice; run the model without one.")
            seen[name].append(module.forward(*args, **kwargs | {"return_weights": True})[1].detach())

        return see

    found = [(name, module) for name, module in model.named_modules() if isinstance(module, MultiHeadAttention)]
    handles = [module.register_forward_hook(hook(name), with_kwargs=True) for name, module in found]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
