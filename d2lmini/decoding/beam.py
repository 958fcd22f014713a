"""Beam search: the likeliest whole text, looked for among the likeliest beginnings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from d2lmini.decoding.choices import Filter, Texts, filtered
from d2lmini.decoding.readers import Reader
from d2lmini.decoding.writing import as_prompts


@dataclass(frozen=True)
class Hypothesis:
    """A text that a beam search has finished: its tokens after the prompt, and log p / n^length_penalty for n of them."""

    tokens: list[int]
    score: float


@dataclass
class _Search:
    """The search over one prompt: the beams that go on, with log p of each, and the hypotheses that are finished."""

    width: int
    max_new: int
    end: int | None
    length_penalty: float
    beams: list[list[int]] = field(default_factory=lambda: [[]])
    totals: list[float] = field(default_factory=lambda: [0.0])
    finished: list[Hypothesis] = field(default_factory=list)

    def extend(self, gains: Float[Tensor, "n_beam V"]) -> list[int]:
        """Replace the beams by their best continuations; return which beam each new one continues."""
        totals = (torch.tensor(self.totals)[:, None] + gains).flatten()
        best = totals.topk(min(2 * self.width, len(totals)))  # at most `width` of them end, so `width` are left to go on
        old, self.beams, self.totals, parents = self.beams, [], [], []
        for rank, (total, place) in enumerate(zip(best.values.tolist(), best.indices.tolist(), strict=True)):
            parent, token = divmod(place, gains.shape[-1])
            text = [*old[parent], token]
            if token == self.end or len(text) == self.max_new:
                if rank < self.width and total > -torch.inf:
                    self.finished.append(Hypothesis(text, total / len(text) ** self.length_penalty))
            elif len(self.beams) < self.width:
                self.beams.append(text)
                self.totals.append(total)
                parents.append(parent)
        self.finished = sorted(self.finished, key=lambda found: -found.score)[: self.width]
        return parents

    def over(self) -> bool:
        """Whether no beam is left, or none can still do better, judged at its present length."""
        if not self.beams or len(self.finished) < self.width:
            return not self.beams
        return self.totals[0] / len(self.beams[0]) ** self.length_penalty <= self.finished[-1].score


def beam_search(
    reader: Reader, prompt: Any, *, width: int, max_new: int, end: int | None = None, length_penalty: float = 1.0, n_best: int = 1,
    filters: Sequence[Filter] = (),
) -> list[list[Hypothesis]]:  # fmt: skip
    """The `n_best` texts found for each prompt, best first, keeping at each step the `width` likeliest beginnings (Wu et al. 2016, §7).

    A beam ends with the token `end` or after `max_new` tokens; its score is log p / n^length_penalty for n tokens, so 0 favors
    short texts. The paper's penalty is ((5 + n) / 6)^α and its score also counts how much of the source was covered. The search
    over a prompt stops when `width` texts are finished and no beam, at its present length, beats the worst of them: what Hugging
    Face's `generate` does unless told otherwise. Prompts have one length. `filters` may forbid tokens; scores stay the model's.
    """
    prompts = as_prompts(prompt, max_new)
    _check_beams(prompts, width, n_best)
    searches = [_Search(width, max_new, end, length_penalty) for _ in prompts]
    going = list(range(len(prompts)))
    tokens = torch.tensor(prompts)
    while going:
        with torch.inference_mode():
            texts = [prompts[i] + beam for i in going for beam in searches[i].beams]
            gains = filtered(reader.read(tokens).log_softmax(dim=-1), texts, filters)
        rows, first = [], 0
        for i, own in zip(going, gains.split([len(searches[i].beams) for i in going]), strict=True):
            parents = searches[i].extend(own)
            rows += [] if searches[i].over() else [first + parent for parent in parents]
            first += len(own)
        going = [i for i in going if not searches[i].over()]
        if going:
            reader.keep(torch.tensor(rows))
            tokens = torch.tensor([beam[-1:] for i in going for beam in searches[i].beams])
    return [search.finished[:n_best] for search in searches]


def _check_beams(prompts: Texts, width: int, n_best: int) -> None:
    if not 1 <= n_best <= width:
        raise ValueError(f"n_best={n_best} must lie between 1 and width={width}; try width={max(n_best, 1)}.")
    if len(lengths := {len(row) for row in prompts}) > 1:
        raise ValueError(f"prompts have lengths {sorted(lengths)} and must have one; search them apart, one call a length.")
