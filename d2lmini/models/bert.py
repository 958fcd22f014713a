"""BERT: an encoder alone, that fills in blanks and tells whether two texts follow each other (Devlin et al. 2019)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from d2lmini.attention import MultiHeadAttention
from d2lmini.blocks import EncoderBlock, Residual, start_small
from d2lmini.feedforward import FeedForward
from d2lmini.positions import Learned


@dataclass(frozen=True, kw_only=True)
class BertConfig:
    """The sizes of a model of the family."""

    vocab_size: int
    d_model: int
    n_head: int
    n_layer: int
    d_ff: int
    n_position: int  # the longest text
    n_segment: int = 2  # texts A and B
    pooler: bool = True  # a linear map of the first token's vector, for tasks on the whole text
    norm_eps: float = 1e-12
    dropout: float = 0.0


class Bert(nn.Module):
    """Tokens → a vector for each, that has seen the whole text on both sides (Devlin et al. 2019, §3)."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        c = self.config = config

        def residual() -> Residual:
            return Residual(nn.LayerNorm(c.d_model, c.norm_eps), pre_norm=False, dropout=c.dropout)

        def block() -> EncoderBlock:
            return EncoderBlock(MultiHeadAttention(c.d_model, c.n_head), FeedForward(c.d_model, c.d_ff, F.gelu), residual)

        self.embedding = nn.Embedding(c.vocab_size, c.d_model)
        self.positions = Learned(c.n_position, c.d_model)
        self.segments = nn.Embedding(c.n_segment, c.d_model)
        self.norm = nn.LayerNorm(c.d_model, c.norm_eps)
        self.dropout = nn.Dropout(c.dropout)
        self.blocks = nn.ModuleList(block() for _ in range(c.n_layer))
        self.pooler = nn.Linear(c.d_model, c.d_model) if c.pooler else nn.Identity()
        self.apply(start_small)

    def forward(
        self, tokens: Int[Tensor, "B T"], segments: Int[Tensor, "B T"] | None = None, mask: Bool[Tensor, "..."] | None = None
    ) -> Float[Tensor, "B T d_model"]:
        """`segments` says 0 for text A and 1 for text B, A everywhere unless given; `mask` broadcasts to (B, T, T), True = may attend."""
        segments = torch.zeros_like(tokens) if segments is None else segments
        x = self.positions.embed(self.embedding(tokens) + self.segments(segments))
        x = self.dropout(self.norm(x))
        for block in self.blocks:
            x = block(x, mask)
        return x

    def whole(self, x: Float[Tensor, "B T d_model"]) -> Float[Tensor, "B d_model"]:
        """One vector for the whole input: tanh of a linear map of the first token's, [CLS]."""
        return self.pooler(x[:, 0]).tanh()


class BertPretraining(nn.Module):
    """Both exercises of BERT at once: the words behind the masks, and whether B follows A (Devlin et al. 2019, §3.1)."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        c = self.config = config
        self.body = Bert(c)
        self.before_words = nn.Linear(c.d_model, c.d_model)
        self.norm = nn.LayerNorm(c.d_model, c.norm_eps)
        self.word_bias = nn.Parameter(torch.zeros(c.vocab_size))
        self.follows = nn.Linear(c.d_model, 2)
        self.before_words.apply(start_small)
        self.follows.apply(start_small)

    def forward(
        self, tokens: Int[Tensor, "B T"], segments: Int[Tensor, "B T"] | None = None, mask: Bool[Tensor, "..."] | None = None
    ) -> tuple[Float[Tensor, "B T V"], Float[Tensor, "B 2"]]:
        """Scores (logits) of the word at each place; scores of "B follows A" (0) and "it does not" (1)."""
        x = self.body(tokens, segments, mask)
        return self.words(x), self.follows(self.body.whole(x))

    def words(self, x: Float[Tensor, "*B d_model"]) -> Float[Tensor, "*B V"]:
        """Scores of each word of the vocabulary, by the table that embeds them; only chosen places need to come here."""
        return self.norm(F.gelu(self.before_words(x))) @ self.body.embedding.weight.T + self.word_bias
