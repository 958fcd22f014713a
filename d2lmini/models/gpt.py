"""GPT: a decoder alone, with learned positions; norms before each part since GPT-2 (Radford et al. 2018, 2019)."""

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from d2lmini.attention import MultiHeadAttention
from d2lmini.blocks import EncoderBlock, Residual, start_small
from d2lmini.cache import Cache
from d2lmini.feedforward import FeedForward, gelu_tanh
from d2lmini.masks import causal, combine, sliding_window
from d2lmini.positions import Learned


@dataclass(frozen=True, kw_only=True)
class GPTConfig:
    """The sizes of a model of the family; GPT-2 unless told otherwise."""

    vocab_size: int
    d_model: int
    n_head: int
    n_layer: int
    d_ff: int
    n_position: int  # the longest text
    pre_norm: bool = True  # False in the first GPT, which has no final norm either
    window: int | None = None  # tokens that every second layer sees: the locally banded layers of GPT-3; None: the whole past
    norm_eps: float = 1e-5
    dropout: float = 0.0
    scaled_init: bool = True  # the maps that write into the stream start smaller, by √(number of parts)


class GPT(nn.Module):
    """Tokens → scores of each next token, under a causal mask (Radford et al. 2019, §2.3)."""

    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        c = self.config = config

        def residual() -> Residual:
            return Residual(nn.LayerNorm(c.d_model, c.norm_eps), pre_norm=c.pre_norm, dropout=c.dropout)

        def block() -> EncoderBlock:
            return EncoderBlock(MultiHeadAttention(c.d_model, c.n_head), FeedForward(c.d_model, c.d_ff, gelu_tanh), residual)

        self.embedding = nn.Embedding(c.vocab_size, c.d_model)
        self.positions = Learned(c.n_position, c.d_model)
        self.dropout = nn.Dropout(c.dropout)
        self.blocks = nn.ModuleList(block() for _ in range(c.n_layer))
        self.norm = nn.LayerNorm(c.d_model, c.norm_eps) if c.pre_norm else nn.Identity()
        self.apply(start_small)
        if c.scaled_init:
            for name, weight in self.named_parameters():
                if name.endswith(("attend.out.weight", "feed_forward.narrow.weight")):
                    nn.init.normal_(weight, std=0.02 * (2 * c.n_layer) ** -0.5)

    def forward(
        self, tokens: Int[Tensor, "B T"], mask: Bool[Tensor, "..."] | None = None, cache: Cache | None = None
    ) -> Float[Tensor, "B T V"]:
        """Scores (logits) of the token after each; `mask` is added to the causal one. With a `cache`, `tokens` are the new ones only."""
        return self.vectors(tokens, mask, cache) @ self.embedding.weight.T

    def vectors(
        self, tokens: Int[Tensor, "B T"], mask: Bool[Tensor, "..."] | None = None, cache: Cache | None = None
    ) -> Float[Tensor, "B T d_model"]:
        """What the last layer knows of each token and its past: all that a head for another task needs."""
        n, start = tokens.shape[-1], 0 if cache is None else cache.length
        x = self.dropout(self.positions.embed(self.embedding(tokens), start))
        for i, block in enumerate(self.blocks):
            x = block(x, combine(self._past(i, n, start + n, tokens), mask), cache=None if cache is None else cache[i])
        if cache is not None:
            cache.length += n
        return self.norm(x)

    def _past(self, layer: int, n_query: int, n_key: int, tokens: Tensor) -> Bool[Tensor, "Tq Tk"] | None:
        """The whole past, or in layers 1, 3, … only the last `window` tokens (Child et al. 2019; Brown et al. 2020, §2.1)."""
        if self.config.window is not None and layer % 2:
            return sliding_window(n_key, self.config.window)[-n_query:].to(tokens.device)
        return causal(n_query, n_key).to(tokens.device) if n_query > 1 else None
