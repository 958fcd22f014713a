"""T5: an encoder and a decoder that turn any text into any text (Raffel et al. 2020)."""

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from d2lmini.attention import MultiHeadAttention
from d2lmini.blocks import DecoderBlock, EncoderBlock, Residual, RMSNorm
from d2lmini.cache import Cache
from d2lmini.feedforward import FeedForward, GatedFeedForward, gelu_tanh
from d2lmini.masks import causal, combine
from d2lmini.positions import T5Buckets


@dataclass(frozen=True, kw_only=True)
class T5Config:
    """The sizes of a model of the family; version 1.1 is `gated=True, tied=False`."""

    vocab_size: int
    d_model: int
    n_head: int
    n_layer: int  # in each of the two stacks
    d_ff: int
    d_head: int | None = None  # d_model / n_head unless told otherwise: the largest models have wider heads
    n_bucket: int = 32
    max_distance: int = 128
    gated: bool = False  # GEGLU in place of ReLU
    tied: bool = True  # the table of embeddings also makes the scores
    norm_eps: float = 1e-6
    dropout: float = 0.0


class T5(nn.Module):
    """Source and target tokens → scores of each next target token (Raffel et al. 2020, §2.1).

    No biases, RMSNorm before each part, and no absolute position: each stack learns a number for each head and
    bucket of offsets, which all its layers share. T5 does not divide its scores by √d_head, it starts with smaller queries
    instead; here queries are divided as everywhere, so they start, and are read from others' files, √d_head times larger.
    """

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        c = self.config = config

        def attend() -> MultiHeadAttention:
            return MultiHeadAttention(c.d_model, c.n_head, d_head=c.d_head, bias=False)

        def feed_forward() -> FeedForward:
            return GatedFeedForward(c.d_model, c.d_ff, gelu_tanh) if c.gated else FeedForward(c.d_model, c.d_ff, bias=False)

        def residual() -> Residual:
            return Residual(RMSNorm(c.d_model, c.norm_eps), pre_norm=True, dropout=c.dropout)

        def positions(causal: bool) -> T5Buckets:
            return T5Buckets(c.n_head, causal=causal, n_bucket=c.n_bucket, max_distance=c.max_distance)

        self.embedding = nn.Embedding(c.vocab_size, c.d_model)
        self.dropout = nn.Dropout(c.dropout)
        self.encoder_positions, self.decoder_positions = positions(False), positions(True)
        self.encoder = nn.ModuleList(EncoderBlock(attend(), feed_forward(), residual) for _ in range(c.n_layer))
        self.decoder = nn.ModuleList(DecoderBlock(attend(), attend(), feed_forward(), residual) for _ in range(c.n_layer))
        self.encoder_norm, self.decoder_norm = RMSNorm(c.d_model, c.norm_eps), RMSNorm(c.d_model, c.norm_eps)
        self.output = None if c.tied else nn.Linear(c.d_model, c.vocab_size, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=module.in_features**-0.5)

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
        x = self.dropout(self.embedding(source))
        for block in self.encoder:
            x = block(x, source_mask, self.encoder_positions)
        return self.dropout(self.encoder_norm(x))

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
        y = self.dropout(self.embedding(target))
        for i, block in enumerate(self.decoder):
            caches = (None, None) if cache is None else (cache["self", i], cache["cross", i])
            y = block(y, memory, mask, source_mask, self.decoder_positions, caches)
        if cache is not None:
            cache.length += n
        y = self.dropout(self.decoder_norm(y))
        if self.output is not None:
            return self.output(y)
        return y @ self.embedding.weight.T * self.config.d_model**-0.5  # their code: the table is drawn with a deviation of 1
