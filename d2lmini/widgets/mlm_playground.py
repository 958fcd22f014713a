"""MLM playground: hide words from a small BERT that runs in the browser, and read what it puts in their place."""

from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
import traitlets
from jaxtyping import Float, Int, Int8
from torch import Tensor

from d2lmini.i18n import get_language, number, t
from d2lmini.masks import causal
from d2lmini.models.bert import BertPretraining
from d2lmini.widgets.base import MAX_TOKENS, CourseWidget, bundle, check_choice, check_range

MAX_BYTES = 110_000  # of weights: a page holds them in base 64, a third longer
SEES = ("both", "left")
UNUSED = ("body.pooler.", "follows.")  # they answer another question: does B follow A?


class MLMPlayground(CourseWidget):
    """Mask, replace or keep words of a text; BERT's predictions for them (Devlin et al. 2019, §3.1) are computed in the browser.

    `model` is a trained `BertPretraining`, `tokens` the V texts of its vocabulary, `texts` what the reader may choose from, as
    ids with [CLS] and [SEP], by language: {"fr": [[…], …], "en": [[…], …]}. `special` tokens, `mask_id` among them, are never
    chosen nor put in place of a word. The matrices travel as int8 with a scale a row; `quantized` is the model with these weights.

    In a notebook the reader's choices come back: `text` (its number), `changes` (the chosen places, each with the id that the
    model reads there), `place`, `sees` ("both" sides or "left": the same model with a causal mask), `layer`, `rate` and
    `seed` of the next draw.

    Raises `ValueError` when model, tokens and texts disagree, on a model of more than 110 kB, and on a choice out of range.

    >>> from d2lmini.models.bert import BertConfig
    >>> bert = BertPretraining(BertConfig(vocab_size=5, d_model=4, n_head=2, n_layer=1, d_ff=3, n_position=6))
    >>> vocabulary, texts = ["[MASK]", "[CLS]", "le", "chat", "dort"], {"fr": [[1, 2, 3, 4]]}
    >>> playground = MLMPlayground(bert, vocabulary, texts, mask_id=0, special=[1], changes=[[2, 0]])
    >>> playground.inputs(), playground.shares().shape
    ([1, 2, 0, 4], torch.Size([4, 5]))
    """

    _esm = bundle("mlm_playground")
    tokens = traitlets.List(traitlets.Unicode()).tag(sync=True)
    special = traitlets.List(traitlets.Int()).tag(sync=True)
    mask_id = traitlets.Int().tag(sync=True)
    texts = traitlets.List(traitlets.List(traitlets.Int())).tag(sync=True)
    languages = traitlets.List(traitlets.Unicode()).tag(sync=True)  # of the texts
    starts = traitlets.List(traitlets.Int()).tag(sync=True)  # the place that is masked when a text is opened
    sizes = traitlets.Dict().tag(sync=True)
    layout = traitlets.List(traitlets.List()).tag(
        sync=True
    )  # [name, rows, columns] or [name, length] in the order of the bytes: keys get sorted
    weights = traitlets.Bytes().tag(sync=True)
    text = traitlets.Int(0).tag(sync=True)
    changes = traitlets.List(traitlets.List(traitlets.Int(), minlen=2, maxlen=2)).tag(sync=True)
    place = traitlets.Int(0).tag(sync=True)
    sees = traitlets.Enum(SEES, "both").tag(sync=True)
    layer = traitlets.Int(0).tag(sync=True)
    rate = traitlets.Float(0.15).tag(sync=True)
    seed = traitlets.Int(0).tag(sync=True)

    def __init__(
        self, model: BertPretraining, tokens: Sequence[str], texts: Mapping[str, Sequence[Sequence[int]]], *, mask_id: int,
        special: Collection[int] = (), **choices: Any,
    ) -> None:  # fmt: skip
        for name in choices:
            check_choice(name, "choice", ("text", "changes", "place", "sees", "layer", "rate", "seed"))
        special = sorted({*special, mask_id})
        rows = [(lang, [int(id_) for id_ in text]) for lang, several in texts.items() for text in several]
        _check(model, tokens, special, rows)
        self.quantized = dequantized(model)
        layout, weights = pack(model, max(len(text) for _, text in rows))
        own = [k for k, (lang, _) in enumerate(rows) if lang == get_language()]
        super().__init__(
            tokens=[str(token) for token in tokens],
            special=special,
            mask_id=mask_id,
            texts=[text for _, text in rows],
            languages=[lang for lang, _ in rows],
            starts=[most_helped(self.quantized, text, special, mask_id) for _, text in rows],
            sizes={name: getattr(model.config, name) for name in ("n_head", "n_layer", "norm_eps")},
            layout=layout,
            weights=weights,
        )
        self.text = own[0] if own else 0
        self._begin()
        for name, value in choices.items():  # after the text, which says what fits
            setattr(self, name, value)

    @traitlets.validate("text", "place", "layer", "seed")
    def _fits(self, proposal: Any) -> int:
        name = proposal["trait"].name
        last = {"text": len(self.texts), "place": len(self.texts[self.text]), "layer": self.sizes["n_layer"], "seed": 1_000_000}[name] - 1
        return check_range(proposal["value"], name, 0, last)

    @traitlets.validate("rate")
    def _is_share(self, proposal: Any) -> float:
        if not 0 < proposal["value"] <= 1:
            raise ValueError(f"rate={proposal['value']} must lie above 0 and at most at 1; try rate=0.15.")
        return proposal["value"]

    @traitlets.validate("changes")
    def _can_be_read(self, proposal: Any) -> list[list[int]]:
        text = self.texts[self.text]
        for place, id_ in proposal["value"]:
            check_range(place, "place of a change", 0, len(text) - 1)
            check_range(id_, "id of a change", 0, len(self.tokens) - 1)
            if text[place] in self.special:
                raise ValueError(
                    f"place {place} holds {self.tokens[text[place]]!r}, which is no word and stays; try place {self.starts[self.text]}."
                )
        return sorted({place: [place, id_] for place, id_ in proposal["value"]}.values())

    @traitlets.observe("text")
    def _begin(self, _: Any = None) -> None:
        """Another text begins with one word masked."""
        place = self.starts[self.text]
        self.changes, self.place = [[place, self.mask_id]], place

    def inputs(self) -> list[int]:
        """The ids that the model reads: the text with the reader's changes."""
        changed = dict(self.changes)
        return [changed.get(place, id_) for place, id_ in enumerate(self.texts[self.text])]

    def shares(self, sees: str | None = None) -> Float[Tensor, "T V"]:
        """The probability of each word at each place, as the browser computes it."""
        sees = check_choice(self.sees if sees is None else sees, "sees", SEES)
        return word_shares(self.quantized, torch.tensor([self.inputs()]), sees)[0]

    def sentence(self) -> str:
        """The text that the model reads, and its first choice at the first chosen place, with both sides and with the left alone."""
        shown = " ".join(self.tokens[id_].strip() for id_ in self.inputs() if id_ not in self.special or id_ == self.mask_id)
        start = t(
            f"Figure interactive, le modèle de langage masqué : BERT lit « {shown} ».",
            f"Interactive figure, the masked language model: BERT reads “{shown}”.",
        )
        if not self.changes:
            return start
        place = self.changes[0][0]
        both, left = (self.shares(sees)[place] for sees in SEES)
        best = int(both.argmax())
        word, original = (self.tokens[id_].strip() for id_ in (best, self.texts[self.text][place]))
        with_both, with_left = (number(100 * float(shares[best]), 0) for shares in (both, left))
        return f"{start} " + t(
            f"Au lieu de « {original} », son premier choix est « {word} » : "
            f"{with_both} % avec les deux côtés, {with_left} % avec la gauche seule.",
            f"In place of “{original}”, its first choice is “{word}”: {with_both}% with both sides, {with_left}% with the left alone.",
        )


def word_shares(model: BertPretraining, ids: Int[Tensor, "B T"], sees: str) -> Float[Tensor, "B T V"]:
    """The model's probabilities at each place; when it `sees` the left, each place attends to itself and those before."""
    with torch.no_grad():
        scores, _ = model(ids, mask=causal(ids.shape[1]) if sees == "left" else None)
    return scores.softmax(dim=-1)


def most_helped(model: BertPretraining, text: list[int], special: list[int], mask_id: int) -> int:
    """The place of the word to which, masked alone, both sides give the most beyond what the left gives."""
    places = torch.tensor([place for place, id_ in enumerate(text) if id_ not in special])
    ids = torch.tensor(text)
    masked = ids.repeat(len(places), 1).scatter(1, places[:, None], mask_id)
    rows = torch.arange(len(places))
    both, left = (word_shares(model, masked, sees)[rows, places, ids[places]] for sees in SEES)
    return int(places[(both - left).argmax()])


def quantize(x: Float[Tensor, "n d"]) -> tuple[Int8[Tensor, "n d"], Float[Tensor, " n"]]:
    """Each row as int8 from −127 to 127, and its scale: row ≈ scale · int8, the largest entry exactly.

    >>> quantize(torch.tensor([[1.0, -0.5], [0.0, 0.0]]))[0].tolist()
    [[127, -64], [0, 0]]
    """
    scale = x.abs().amax(dim=1) / 127
    return (x / scale.where(scale > 0, 1.0)[:, None]).round().to(torch.int8), scale


def dequantized(model: BertPretraining) -> BertPretraining:
    """A copy of the model, in float32, whose matrices went through `quantize`."""
    copy = deepcopy(model).to("cpu", torch.float32).eval()
    with torch.no_grad():
        for x in copy.parameters():
            if x.ndim == 2:
                steps, scale = quantize(x)
                x.copy_(steps * scale[:, None])
    return copy


def pack(model: BertPretraining, n_position: int) -> tuple[list[list[Any]], bytes]:
    """What predicts words, as [name, *shape] and bytes: a matrix is its scales, then its int8; a vector is float32."""
    layout, parts = list[list[Any]](), list[bytes]()
    rows = {"body.positions.table": n_position, "body.segments.weight": 1}  # the others would stay unread
    for name, x in model.named_parameters():
        if name.startswith(UNUSED):
            continue
        read = x.detach().to("cpu", torch.float32)[: rows.get(name)]
        layout.append([name, *read.shape])
        values = (read,) if read.ndim == 1 else quantize(read)[::-1]
        parts += [value.numpy().astype("i1" if value.dtype == torch.int8 else "<f4").tobytes() for value in values]
    data = b"".join(parts)
    if len(data) > MAX_BYTES:
        raise ValueError(f"the model takes {len(data):,} bytes and must take {MAX_BYTES:,} at most to stay in a page; train a smaller one.")
    return layout, data


def _check(model: BertPretraining, tokens: Sequence[str], special: list[int], rows: list[tuple[str, list[int]]]) -> None:
    """`ValueError` when a text can't be read by this model with these tokens."""
    if not isinstance(model, BertPretraining):
        raise ValueError(f"model is a {type(model).__name__} and must be a BertPretraining, whose head predicts words.")
    n_token, longest = model.config.vocab_size, min(MAX_TOKENS, model.config.n_position)
    if len(tokens) != n_token:
        raise ValueError(f"tokens has {len(tokens)} texts and must have one for each of the {n_token} tokens of the model.")
    for id_ in special:
        check_range(id_, "special id", 0, n_token - 1)
    if not rows:
        raise ValueError('texts has no text and must have one at least; try texts={"en": [[…]]}.')
    for lang, text in rows:
        check_choice(lang, "language", ("fr", "en"))
        check_range(len(text), "length of a text", 2, longest)
        for id_ in text:
            check_range(id_, "id of a text", 0, n_token - 1)
        if set(text) <= set(special):
            raise ValueError(f"the text {text} holds special tokens alone and must have a word to hide; add one.")
