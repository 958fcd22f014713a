"""The Transformer of 2017: an encoder reads, a decoder writes (Vaswani et al. 2017)."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from d2lmini.attention import MultiHeadAttention
from d2lmini.blocks import DecoderBlock, EncoderBlock, Residual
from d2lmini.cache import Cache
from d2lmini.feedforward import FeedForward
from d2lmini.masks import causal, combine
from d2lmini.positions import Sinusoidal


@dataclass(frozen=True, kw_only=True)
class Seq2SeqConfig:
    """The base model of the paper unless told otherwise (its table 3)."""

    vocab_size: int  # tokens, one vocabulary for both languages
    d_model: int = 512
    n_head: int = 8
    n_layer: int = 6  # in each of the two stacks
    d_ff: int = 2048
    dropout: float = 0.1
    pre_norm: bool = False
    final_norm: bool = False  # after each stack: needed with pre_norm, absent from the paper
    output_bias: bool = True


class Transformer(nn.Module):
    """Source and target tokens → scores of each next target token.

    One table embeds the source, embeds the target and, transposed, makes the scores (§3.4). Masks are
    boolean, True = may attend; the target's is causal whatever `target_mask` adds to it.
    """

    def __init__(self, config: Seq2SeqConfig) -> None:
        super().__init__()
        c = self.config = config

        def attend() -> MultiHeadAttention:
            return MultiHeadAttention(c.d_model, c.n_head)

        def feed_forward() -> FeedForward:
            return FeedForward(c.d_model, c.d_ff)

        def residual() -> Residual:
            return Residual(nn.LayerNorm(c.d_model), pre_norm=c.pre_norm, dropout=c.dropout)

        def final() -> nn.Module:
            return nn.LayerNorm(c.d_model) if c.final_norm else nn.Identity()

        self.embedding = nn.Embedding(c.vocab_size, c.d_model)
        self.positions = Sinusoidal(c.d_model)
        self.dropout = nn.Dropout(c.dropout)
        self.encoder = nn.ModuleList(EncoderBlock(attend(), feed_forward(), residual) for _ in range(c.n_layer))
        self.decoder = nn.ModuleList(DecoderBlock(attend(), attend(), feed_forward(), residual) for _ in range(c.n_layer))
        self.encoder_norm, self.decoder_norm = final(), final()
        self.output_bias = nn.Parameter(torch.zeros(c.vocab_size)) if c.output_bias else None
        nn.init.normal_(self.embedding.weight, std=c.d_model**-0.5)

    def forward(
        self,
        source: Int[Tensor, "B S"],
        target: Int[Tensor, "B T"],
        source_mask: Bool[Tensor, "..."] | None = None,
        target_mask: Bool[Tensor, "..."] | None = None,
    ) -> Float[Tensor, "B T V"]:
        """Scores (logits) of the token after each target token; `source_mask` broadcasts to (B, 1, S): who is no padding."""
        return self.decode(target, self.encode(source, source_mask), source_mask, target_mask)

    def encode(self, source: Int[Tensor, "B S"], source_mask: Bool[Tensor, "..."] | None = None) -> Float[Tensor, "B S d_model"]:
        """What the decoder will look at."""
        return self.run_encoder(self.embed(source), source_mask)

    def decode(
        self,
        target: Int[Tensor, "B T"],
        memory: Float[Tensor, "B S d_model"],
        source_mask: Bool[Tensor, "..."] | None = None,
        target_mask: Bool[Tensor, "..."] | None = None,
        cache: Cache | None = None,
    ) -> Float[Tensor, "B T V"]:
        """Scores from the encoder's vectors and the target so far; with a `cache`, from the new tokens of the target only."""
        n, start = target.shape[-1], 0 if cache is None else cache.length
        mask = combine(causal(n, start + n).to(target.device), target_mask) if n > 1 else target_mask
        y = self.run_decoder(self.embed(target, start), memory, mask, source_mask, cache)
        if cache is not None:
            cache.length += n
        scores = y @ self.embedding.weight.T
        return scores if self.output_bias is None else scores + self.output_bias

    def run_encoder(self, x: Float[Tensor, "B S d_model"], mask: Bool[Tensor, "..."] | None = None) -> Float[Tensor, "B S d_model"]:
        """The encoder's blocks, from vectors to vectors."""
        for block in self.encoder:
            x = block(x, mask)
        return self.encoder_norm(x)

    def run_decoder(
        self,
        x: Float[Tensor, "B T d_model"],
        memory: Float[Tensor, "B S d_model"],
        mask: Bool[Tensor, "..."] | None = None,
        memory_mask: Bool[Tensor, "..."] | None = None,
        cache: Cache | None = None,
    ) -> Float[Tensor, "B T d_model"]:
        """The decoder's blocks, from vectors to vectors."""
        for i, block in enumerate(self.decoder):
            caches = (None, None) if cache is None else (cache["self", i], cache["cross", i])
            x = block(x, memory, mask, memory_mask, caches=caches)
        return self.decoder_norm(x)

    def embed(self, tokens: Int[Tensor, "B T"], start: int = 0) -> Float[Tensor, "B T d_model"]:
        """Embeddings, multiplied by √d_model (§3.4), with their positions, `start` being that of the first."""
        return self.dropout(self.positions.embed(self.embedding(tokens) * self.config.d_model**0.5, start))
