"""LLaMA: a decoder alone, with RMSNorm before each part, SwiGLU, rotary positions and grouped heads (Touvron et al. 2023)."""

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from d2lmini.attention import MultiHeadAttention
from d2lmini.blocks import EncoderBlock, Residual, RMSNorm
from d2lmini.cache import Cache
from d2lmini.feedforward import GatedFeedForward
from d2lmini.masks import causal, combine
from d2lmini.positions import Rotary


@dataclass(frozen=True, kw_only=True)
class LlamaConfig:
    """The sizes of a model of the family."""

    vocab_size: int
    d_model: int
    n_head: int
    n_layer: int
    d_ff: int
    n_kv_head: int | None = None  # heads of keys and values; as many as n_head unless told otherwise
    rope_base: float = 10_000.0
    norm_eps: float = 1e-6
    dropout: float = 0.0
    tied: bool = True  # the table of embeddings also makes the scores; LLaMA itself has two tables


class Llama(nn.Module):
    """Tokens → scores of each next token, under a causal mask (Touvron et al. 2023, §2.2)."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        c = self.config = config

        def residual() -> Residual:
            return Residual(RMSNorm(c.d_model, c.norm_eps), pre_norm=True, dropout=c.dropout)

        def block() -> EncoderBlock:
            attend = MultiHeadAttention(c.d_model, c.n_head, n_kv_head=c.n_kv_head, bias=False)
            return EncoderBlock(attend, GatedFeedForward(c.d_model, c.d_ff), residual)

        self.embedding = nn.Embedding(c.vocab_size, c.d_model)
        self.dropout = nn.Dropout(c.dropout)
        self.positions = Rotary(c.d_model // c.n_head, base=c.rope_base)
        self.blocks = nn.ModuleList(block() for _ in range(c.n_layer))
        self.norm = RMSNorm(c.d_model, c.norm_eps)
        self.output = nn.Linear(c.d_model, c.vocab_size, bias=False)
        nn.init.normal_(self.embedding.weight, std=0.02)
        if c.tied:
            self.output.weight = self.embedding.weight

    def forward(
        self, tokens: Int[Tensor, "B T"], mask: Bool[Tensor, "..."] | None = None, cache: Cache | None = None
    ) -> Float[Tensor, "B T V"]:
        """Scores (logits) of the token after each; `mask` is added to the causal one. With a `cache`, `tokens` are the new ones only."""
        n, start = tokens.shape[-1], 0 if cache is None else cache.length
        if n > 1:  # a last token alone sees everything
            mask = combine(causal(n, start + n).to(tokens.device), mask)
        x = self.dropout(self.embedding(tokens))
        for i, block in enumerate(self.blocks):
            x = block(x, mask, self.positions, None if cache is None else cache[i])
        if cache is not None:
            cache.length += n
        return self.output(self.norm(x))
