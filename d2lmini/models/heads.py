"""What fine-tuning adds to a pretrained body: one linear map, and a choice of the vectors that it reads."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor, nn

from d2lmini.blocks import start_small


class Head(nn.Module):
    """`n_out` scores from what `body` says of a text; `read` chooses or joins its vectors first, else each token has scores.

    Classes of a text: `Head(bert, n_class, read=bert.whole)`; of each word: `Head(bert, n_tag)`; an answer inside a text, by
    where it starts and ends: `Head(bert, 2)` (Devlin et al. 2019, §4).
    """

    def __init__(self, body: nn.Module, n_out: int, *, read: Callable[[Tensor], Tensor] | None = None, dropout: float = 0.0) -> None:
        super().__init__()
        self.body, self.read = body, read
        self.dropout = nn.Dropout(dropout)
        self.scores = nn.Linear(body.config.d_model, n_out)  # type: ignore[union-attr, arg-type]
        self.scores.apply(start_small)

    def forward(self, *text: Tensor | None) -> Float[Tensor, "*B n_out"]:
        """Scores (logits) from the arguments of `body`."""
        x = self.body(*text)
        return self.scores(self.dropout(x if self.read is None else self.read(x)))
