"""Decoding explorer: one model's next-token scores; the reader filters them, draws from them, and watches a beam search."""

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import traitlets

from d2lmini.i18n import number, t
from d2lmini.widgets.base import CourseWidget, bundle, check_choice, check_range

STEP = 1 / 2048  # between two scores that the browser can tell apart
NONE = 65_535  # no token, no further context
NO_END = -2  # as `end`; −1 in a path is a token that was not stored
MAX_WIDTH = 4
VIEWS = ("step", "beam")
# name: (lowest, highest)
RANGES = {
    "temperature": (0.1, 3.0), "top_k": (0, 40), "top_p": (0.05, 1.0), "min_p": (0.0, 0.5), "penalty": (1.0, 3.0), "seed": (0, 9999),
    "width": (1, MAX_WIDTH), "length_penalty": (0.0, 2.0), "step": (0, 12),
}  # fmt: skip


class DecodingExplorer(CourseWidget):
    """What can be made of next-token scores: greedy, filtered draws (one step after another), beam search (`d2lmini.decoding`).

    `next_scores(ids)` returns the scores (V,) after the tokens `ids`, prompt included; `tokens` holds the V texts, `prompt` the
    ids to start from, `end` the id that ends a text, `separator` what stands between two tokens (`" "` for words). There is no
    model in the browser: Python asks for the scores after all the texts that a beam of width 1 to 4 keeps within `max_new`
    tokens, then after the likeliest others, `n_context` in all. Of each it keeps the `n_top` best scores, to 1/2048, and the
    mass of the rest. Where scores depend on the last `memory` tokens alone, say so: a few contexts then hold every text.

    In a notebook the reader's choices come back: `view` ("step" or "beam"), `temperature`, `top_k` (0: no limit), `top_p`,
    `min_p`, `penalty` (for repetitions), `seed`, `path` (what was written, in `stored`), `width`, `length_penalty`, `step`.

    Raises `ValueError` when scores and tokens disagree, and on a choice out of range.

    >>> next_scores = lambda ids: torch.tensor([[0.0, 2.0, 1.0], [1.0, 0.0, 3.0], [2.0, 1.0, 0.0]])[ids[-1]]
    >>> DecodingExplorer(["a", "b", "."], next_scores, [0], end=2, memory=1).greedy()
    ['b', '.']
    """

    _esm = bundle("decoding_explorer")
    stored = traitlets.List(traitlets.Unicode()).tag(sync=True)  # the texts of the tokens that some context holds
    prompt = traitlets.List(traitlets.Int()).tag(sync=True)  # as places in `stored`, like `end`, `path` and the contexts
    end = traitlets.Int(NO_END).tag(sync=True)
    separator = traitlets.Unicode("").tag(sync=True)
    max_new = traitlets.Int(6).tag(sync=True)
    n_top = traitlets.Int(16).tag(sync=True)
    contexts = traitlets.Bytes().tag(sync=True)  # records of `record(n_top)`; the first is the prompt's
    view = traitlets.Enum(VIEWS, "step").tag(sync=True)
    temperature = traitlets.Float(1.0).tag(sync=True)
    top_k = traitlets.Int(0).tag(sync=True)
    top_p = traitlets.Float(1.0).tag(sync=True)
    min_p = traitlets.Float(0.0).tag(sync=True)
    penalty = traitlets.Float(1.0).tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)
    path = traitlets.List(traitlets.Int()).tag(sync=True)  # −1: one of the tokens that were not stored
    width = traitlets.Int(3).tag(sync=True)
    length_penalty = traitlets.Float(0.0).tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)

    def __init__(
        self, tokens: Sequence[str], next_scores: Callable[[list[int]], Any], prompt: Sequence[int] = (), *, end: int | None = None,
        separator: str = "", max_new: int = 6, memory: int | None = None, n_top: int = 16, n_context: int = 240, view: str = "step",
        **choices: Any,
    ) -> None:  # fmt: skip
        for name, value, low, high in (
            ("max_new", max_new, 1, 12),
            ("n_top", n_top, 8, 40),
            ("n_context", n_context, 120, 600),
            ("memory", 1 if memory is None else memory, 1, 99),
        ):
            check_range(value, name, low, high)
        for name in choices:
            check_choice(name, "choice", tuple(RANGES))
        for id_ in (*prompt, *([] if end is None else [end])):
            check_range(id_, "prompt" if id_ in prompt else "end", 0, len(tokens) - 1)
        ask = _checked(next_scores, len(tokens), n_top)
        found = Explorer(ask, list(prompt), end, memory, max_new).explore(n_context)
        used = sorted({*prompt, *([] if end is None else [end]), *(token for context in found for token in context.tokens)})
        place = {token: k for k, token in enumerate(used)}
        super().__init__(
            stored=[str(tokens[id_]) for id_ in used],
            prompt=[place[id_] for id_ in prompt],
            end=NO_END if end is None else place[end],
            separator=separator,
            max_new=max_new,
            n_top=n_top,
            contexts=pack(found, place, n_top),
            view=check_choice(view, "view", VIEWS),
            **{"step": max_new, **choices},
        )

    @traitlets.validate(*RANGES)
    def _fits(self, proposal: Any) -> Any:
        name = proposal["trait"].name
        low, high = RANGES[name]
        if not low <= proposal["value"] <= high:
            raise ValueError(
                f"{name}={proposal['value']} must lie between {low} and {high}; try {name}={min(max(proposal['value'], low), high)}."
            )
        return proposal["value"]

    @traitlets.validate("path")
    def _can_be_written(self, proposal: Any) -> list[int]:
        path: list[int] = proposal["value"]
        check_range(len(path), "length of path", 0, self.max_new)
        for token in path:
            check_range(token, "token of path", -1, len(self.stored) - 1)
        return path

    def written(self) -> list[str]:
        """What the reader has written after the prompt; "…" is a token whose name was not stored."""
        return [self.stored[token] if token >= 0 else "…" for token in self.path]

    def greedy(self) -> list[str]:
        """What taking the likeliest token each time writes after the prompt, the end included."""
        table, place, text = np.frombuffer(self.contexts, record(self.n_top)), 0, list[int]()
        while place != NONE and len(text) < self.max_new:
            text.append(int(table["token"][place, 0]))
            place = int(table["child"][place, 0])
        return [self.stored[token] for token in text]

    def sentence(self) -> str:
        """The likeliest token after the prompt, and the greedy text."""
        first = np.frombuffer(self.contexts, record(self.n_top))[0]
        logits = [first["top"] - drop * STEP for token, drop in zip(first["token"], first["drop"], strict=True) if token != NONE]
        share = number(100 / sum(math.exp(x - logits[0]) for x in [*logits, float(first["rest"])]), 0)
        start = self.separator.join(self.stored[token] for token in self.prompt)
        text, token = self.separator.join(self.greedy()), self.greedy()[0]
        return t(
            f"Figure interactive, choisir le jeton suivant : après « {start} », le plus probable est « {token} » ({share} %) ; "
            f"le choix glouton écrit « {text} ».",
            f"Interactive figure, choosing the next token: after “{start}”, the likeliest is “{token}” ({share}%); "
            f"the greedy choice writes “{text}”.",
        )


@dataclass
class Context:
    """The best scores after one text, from the best down, and the mass of the `others` that are left, as log Σ exp."""

    text: tuple[int, ...]  # a text that leads here, prompt excluded
    tokens: list[int]
    logits: list[float]
    others: int
    rest: float
    children: list[int]

    def log_probabilities(self) -> list[float]:
        """log p of the tokens."""
        total = np.logaddexp.reduce([*self.logits, self.rest])
        return [x - float(total) for x in self.logits]


@dataclass
class Explorer:
    """Asks a model for its scores after the texts that a reader may come to, each once."""

    ask: Callable[[list[int]], tuple[list[int], list[float], int, float]]
    prompt: list[int]
    end: int | None
    memory: int | None
    max_new: int

    def explore(self, n_context: int) -> list[Context]:
        """The contexts that beams of all widths need, then those of the likeliest texts, with their links."""
        self.places: dict[tuple[int, ...], int] = {}
        self.found: list[Context] = []
        for width in range(1, MAX_WIDTH + 1):
            self._follow_beam(width)
        self._follow_likeliest(n_context)
        for context in self.found:
            longer = [(*context.text, token) for token in context.tokens]
            context.children = [NONE if text[-1] == self.end else self.places.get(self._key(text), NONE) for text in longer]
        return self.found

    def _key(self, text: tuple[int, ...]) -> tuple[int, ...]:
        whole = (*self.prompt, *text)
        return whole[-self.memory :] if self.memory else whole

    def _open(self, text: tuple[int, ...]) -> Context:
        key = self._key(text)
        if key not in self.places:
            self.places[key] = len(self.found)
            self.found.append(Context(text, *self.ask([*self.prompt, *text]), children=[]))
        return self.found[self.places[key]]

    def _next(self, text: tuple[int, ...]) -> list[tuple[float, tuple[int, ...]]]:
        """Log p of each next token that does not end the text, with the longer text."""
        context = self._open(text)
        gains = zip(context.log_probabilities(), context.tokens, strict=True)
        return [(gain, (*text, token)) for gain, token in gains if token != self.end]

    def _follow_beam(self, width: int) -> None:
        beams: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
        for _ in range(self.max_new):
            longer = [(total + gain, text) for total, beam in beams for gain, text in self._next(beam)]
            beams = sorted(longer, key=lambda item: -item[0])[:width]  # a stable sort, like the browser's

    def _follow_likeliest(self, n_context: int) -> None:
        queue: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
        seen = set[tuple[int, tuple[int, ...]]]()
        while queue and len(self.found) < n_context:
            cost, text = heapq.heappop(queue)
            if (len(text), self._key(text)) in seen or len(text) == self.max_new:
                continue
            seen.add((len(text), self._key(text)))
            for gain, longer in self._next(text):
                heapq.heappush(queue, (cost - gain, longer))


def record(n_top: int) -> np.dtype[Any]:
    """How a context travels: its best score, log Σ exp of the scores left out and their number, then the best tokens, how far
    their scores are below the best (in steps of 1/2048), and the contexts they lead to."""
    each = [(name, "<u2", (n_top,)) for name in ("token", "drop", "child")]
    return np.dtype([("top", "<f4"), ("rest", "<f4"), ("others", "<u4"), *each])


def pack(contexts: list[Context], place: dict[int, int], n_top: int) -> bytes:
    """The contexts as the bytes that the browser reads, tokens renamed by `place`."""
    table = np.zeros(len(contexts), record(n_top))
    table["token"] = table["drop"] = table["child"] = NONE
    for row, context in zip(table, contexts, strict=True):
        n, top = len(context.tokens), context.logits[0]
        row["top"], row["rest"], row["others"] = top, context.rest, context.others
        row["token"][:n] = [place[token] for token in context.tokens]
        row["drop"][:n] = [round((top - x) / STEP) for x in context.logits]
        row["child"][:n] = context.children
    return table.tobytes()


def _checked(
    next_scores: Callable[[list[int]], Any], n_token: int, n_top: int
) -> Callable[[list[int]], tuple[list[int], list[float], int, float]]:
    """`next_scores` with its answer checked, sorted, cut to the `n_top` best and rounded as the browser will read it."""

    def ask(ids: list[int]) -> tuple[list[int], list[float], int, float]:
        scores = torch.as_tensor(next_scores(ids)).detach().to("cpu", torch.float32)
        if tuple(scores.shape) != (n_token,):
            raise ValueError(
                f"next_scores({ids}) has shape {tuple(scores.shape)} and must have one score for each of the {n_token} tokens; "
                "of a model that returns (B, T, V), give [0, -1]."
            )
        if scores.isnan().any() or scores.max().isinf():
            raise ValueError(f"next_scores({ids}) holds NaN, +∞ or nothing above −∞; give logits, −∞ for what is forbidden.")
        ordered, order = scores.double().sort(descending=True, stable=True)
        ordered, n = ordered[ordered > -torch.inf], n_top
        top, best, rest = ordered[0], ordered[:n], ordered[n:]
        drops = ((top - best) / STEP).round().clamp(max=NONE - 1)
        logits = (top - drops * STEP).tolist()
        return order[: len(best)].tolist(), logits, len(rest), float(rest.logsumexp(0).float()) if len(rest) else -math.inf

    return ask
