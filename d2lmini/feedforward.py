"""The feed-forward network: the same two layers at every position, plain or gated."""

from collections.abc import Callable

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Activation = Callable[[Tensor], Tensor]


def gelu_tanh(x: Float[Tensor, "*S"]) -> Float[Tensor, "*S"]:
    """GELU with a tanh in place of the error function (Hendrycks and Gimpel 2016): what GPT-2 and T5 1.1 compute."""
    return F.gelu(x, approximate="tanh")


class FeedForward(nn.Module):
    """W₂ f(W₁ x + b₁) + b₂ at each position, f = ReLU by default (Vaswani et al. 2017, eq. 2); F.gelu in BERT and GPT."""

    def __init__(self, d_model: int, d_ff: int, activation: Activation = F.relu, *, bias: bool = True) -> None:
        super().__init__()
        self.activation = activation
        self.wide = nn.Linear(d_model, d_ff, bias=bias)
        self.narrow = nn.Linear(d_ff, d_model, bias=bias)

    def forward(self, x: Float[Tensor, "*B d_model"]) -> Float[Tensor, "*B d_model"]:
        """Widen to d_ff, apply f, come back to d_model."""
        return self.narrow(self.activation(self.wide(x)))

    def extra_repr(self) -> str:
        """The activation's name."""
        return f"activation={self.activation.__name__}"


class GatedFeedForward(FeedForward):
    """W₂ (f(W x) ⊙ V x): SwiGLU when f = SiLU, GEGLU when f = GELU (Shazeer 2020, eq. 6).

    A third matrix makes it half as large again; the paper takes d_ff = 2/3 of the plain network's to compare at equal size.
    """

    def __init__(self, d_model: int, d_ff: int, activation: Activation = F.silu, *, bias: bool = False) -> None:
        super().__init__(d_model, d_ff, activation, bias=bias)
        self.gate = nn.Linear(d_model, d_ff, bias=bias)

    def forward(self, x: Float[Tensor, "*B d_model"]) -> Float[Tensor, "*B d_model"]:
        """Widen twice, let one copy open or close the other, come back."""
        return self.narrow(self.activation(self.gate(x)) * self.wide(x))
