"""A block of a transformer: attention, then a feed-forward network, each on a detour from the residual stream."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from d2lmini.attention import MultiHeadAttention
from d2lmini.cache import KeyValues
from d2lmini.positions import Positions

Mask = Bool[Tensor, "..."] | None


class RMSNorm(nn.Module):
    """x / √(mean(x²) + ε) · g: LayerNorm without the mean and the shift (Zhang and Sennrich 2019, eq. 4)."""

    def __init__(self, d_model: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Float[Tensor, "*B d_model"]) -> Float[Tensor, "*B d_model"]:
        """Each vector at length about √d_model, then stretched by g."""
        return x * (x.square().mean(dim=-1, keepdim=True) + self.eps).rsqrt() * self.weight


class Residual(nn.Module):
    """A detour f around the stream: x + f(norm(x)) when `pre_norm`, norm(x + f(x)) in the 2017 paper (§3.1; Xiong et al. 2020, table 1)."""

    def __init__(self, norm: nn.Module, *, pre_norm: bool, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm, self.pre_norm, self.dropout = norm, pre_norm, nn.Dropout(dropout)

    def forward(self, x: Float[Tensor, "*B T d_model"], f: Callable[[Tensor], Tensor]) -> Float[Tensor, "*B T d_model"]:
        """The stream after the detour."""
        if self.pre_norm:
            return x + self.dropout(f(self.norm(x)))
        return self.norm(x + self.dropout(f(x)))

    def extra_repr(self) -> str:
        """Where the norm stands."""
        return f"pre_norm={self.pre_norm}"


class EncoderBlock(nn.Module):
    """Self-attention, then the feed-forward network. With a causal mask it is the block of GPT.

    `residual` makes the detours, one for each part: a function without arguments, so that each has a norm of its own.
    """

    def __init__(self, attend: MultiHeadAttention, feed_forward: nn.Module, residual: Callable[[], Residual]) -> None:
        super().__init__()
        self.attend, self.feed_forward = attend, feed_forward
        self.around_attend, self.around_feed_forward = residual(), residual()

    def forward(
        self, x: Float[Tensor, "*B T d_model"], mask: Mask = None, positions: Positions | None = None, cache: KeyValues | None = None
    ) -> Float[Tensor, "*B T d_model"]:
        """`mask` broadcasts to (*B, T, Tk), True = may attend; Tk counts the tokens of the `cache` too."""
        x = self.around_attend(x, lambda y: self.attend(y, mask=mask, positions=positions, cache=cache))
        return self.around_feed_forward(x, self.feed_forward)


class DecoderBlock(nn.Module):
    """Self-attention, cross-attention to what the encoder has read, then the feed-forward network (Vaswani et al. 2017, §3.1)."""

    def __init__(
        self, attend: MultiHeadAttention, cross: MultiHeadAttention, feed_forward: nn.Module, residual: Callable[[], Residual]
    ) -> None:
        super().__init__()
        self.attend, self.cross, self.feed_forward = attend, cross, feed_forward
        self.around_attend, self.around_cross, self.around_feed_forward = residual(), residual(), residual()

    def forward(
        self,
        x: Float[Tensor, "*B T d_model"],
        memory: Float[Tensor, "*B S d_model"],
        mask: Mask = None,
        memory_mask: Mask = None,
        positions: Positions | None = None,
        caches: tuple[KeyValues | None, KeyValues | None] = (None, None),
    ) -> Float[Tensor, "*B T d_model"]:
        """`mask` broadcasts to (*B, T, Tk) and `memory_mask` to (*B, T, S), True = may attend; one of the `caches` for each attention."""
        x = self.around_attend(x, lambda y: self.attend(y, mask=mask, positions=positions, cache=caches[0]))
        x = self.around_cross(x, lambda y: self.cross(y, memory, mask=memory_mask, cache=caches[1]))
        return self.around_feed_forward(x, self.feed_forward)


def start_small(module: nn.Module) -> None:
    """Matrices and tables drawn with a standard deviation of 0.02, biases at 0, as BERT and GPT start; for `model.apply`."""
    if isinstance(module, nn.Linear | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)
