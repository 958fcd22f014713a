"""Whole models from Hugging Face's classes into ours and back; their library itself is not imported."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from d2lmini.interop import families
from d2lmini.interop.families import Family, Place, Told
from d2lmini.models.bert import Bert, BertConfig, BertPretraining
from d2lmini.models.gpt import GPT
from d2lmini.models.heads import Head
from d2lmini.models.llama import Llama
from d2lmini.models.t5 import T5

State = dict[str, Tensor]
UNUSED = re.compile(  # buffers, and weights that their classes leave aside too
    r"(^|\.)(position_ids|attn\.(masked_)?bias|rotary_emb\.inv_freq|EncDecAttention\.relative_attention_bias\.weight|pooler\.dense\.\w+)$"
)
SHOWN = 3  # names of each kind in an error


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A class of theirs: its family, how ours is made, and what it has beside the family."""

    family: Family
    make: Callable[[Any, int], nn.Module]  # from a configuration and a number of outputs
    scores: str = ""  # the name of the linear map that gives the outputs
    pooler: bool | None = True  # of a BERT; None: as the file says
    alone: bool = False  # the body's names begin with nothing
    tied: dict[str, str] = field(default_factory=dict)  # beside those of the family

    def places(self, config: Any) -> dict[str, Place]:
        """Where each weight of ours is among theirs."""
        names = self.family.names(config) | ({"scores": self.scores} if self.scores else {})
        if self.alone:
            body = {ours: str(theirs) for ours, theirs in names.items() if ours.startswith("body.")}
            names = {ours.removeprefix("body."): theirs.removeprefix(self.family.base) for ours, theirs in body.items()}
        return {ours: place if isinstance(place, Place) else Place(place) for ours, place in names.items()}


def _bert_head(config: BertConfig, n_out: int) -> Head:
    body = Bert(config)
    return Head(body, n_out, read=body.whole if config.pooler else None, dropout=config.dropout)


_PRETRAINING = Kind(
    family=families.BERT,
    make=lambda config, n_out: BertPretraining(config),
    tied={
        "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
        "cls.predictions.decoder.bias": "cls.predictions.bias",
    },
)
KINDS = {
    "BertModel": Kind(family=families.BERT, make=lambda config, n_out: Bert(config), pooler=None, alone=True),
    "BertForPreTraining": _PRETRAINING,
    "BertForMaskedLM": _PRETRAINING,  # what Google's files call themselves, though they hold both heads
    "BertForSequenceClassification": Kind(family=families.BERT, make=_bert_head, scores="classifier"),
    "BertForTokenClassification": Kind(family=families.BERT, make=_bert_head, scores="classifier", pooler=False),
    "BertForQuestionAnswering": Kind(family=families.BERT, make=_bert_head, scores="qa_outputs", pooler=False),
    "GPT2LMHeadModel": Kind(family=families.GPT2, make=lambda config, n_out: GPT(config)),
    "OpenAIGPTLMHeadModel": Kind(family=families.FIRST_GPT, make=lambda config, n_out: GPT(config)),
    "T5ForConditionalGeneration": Kind(family=families.T5, make=lambda config, n_out: T5(config)),
    "LlamaForCausalLM": Kind(family=families.LLAMA, make=lambda config, n_out: Llama(config)),
}


def from_huggingface(theirs: Any) -> nn.Module:
    """Our model with the weights of theirs, copied, in their precision and in evaluation mode.

    For `BertModel`, `BertForPreTraining`, `…SequenceClassification`, `…TokenClassification`, `…QuestionAnswering`, `GPT2LMHeadModel`,
    `OpenAIGPTLMHeadModel`, `T5ForConditionalGeneration` and `LlamaForCausalLM`. Scores and gradients are equal, but for the vector of
    BERT's padding token, which theirs do not train; in training they draw other dropouts, and theirs also drop attention weights.
    Raises `ValueError` on other classes, on a configuration that our code does not compute, and on weights that do not fit, or
    are not finite: such a model answers nonsense and nothing says so.
    """
    return build(type(theirs).__name__, theirs.config.to_dict(), theirs.state_dict())


def to_huggingface(ours: nn.Module, architecture: str | None = None) -> tuple[Told, State]:
    """A configuration and weights such that `TheirClass(TheirConfig(**configuration)).load_state_dict(weights)` is our model.

    Their class is `configuration["architectures"][0]`. A `Head` on each token is a `BertForTokenClassification` unless
    `architecture` says "BertForQuestionAnswering". What they store as we do is shared, not copied. Raises `ValueError` on what they
    do not have.
    """
    architecture = _architecture(ours, architecture)
    kind, config = _kind(architecture), getattr(ours, "body", ours).config
    told: Told = {"architectures": [architecture]} | kind.family.config_to(config)
    if isinstance(ours, Head):
        told["num_labels"] = ours.scores.out_features
    places, parts = kind.places(config), dict[Place, list[Tensor]]()
    for name, weight in ours.named_parameters():
        if kind.pooler is False and name.startswith("body.pooler."):
            continue  # a head on each token does not read it
        place = _place(name, places)
        parts.setdefault(Place(place.name, None, place.transposed, place.scale), []).append(weight.detach())
    state = {place.name: place.write(weights) for place, weights in parts.items()}
    return told, state | {again: state[first] for again, first in (kind.family.tied(config) | kind.tied).items()}


def copy_llama(ours: Llama, theirs: Any) -> None:
    """From `transformers.LlamaForCausalLM`, or any model whose weights have the same names, into a model of the same sizes."""
    ours.load_state_dict(_weights(ours, KINDS["LlamaForCausalLM"], ours.config, theirs.state_dict()), strict=False)


def build(architecture: str, told: Told, state: State) -> nn.Module:
    """Our model from the name of their class, their configuration and their weights; see `from_huggingface`."""
    kind = _kind(architecture)
    known = {}
    if kind.family is families.BERT:
        known["pooler"] = any(name.endswith("pooler.dense.weight") for name in state) if kind.pooler is None else kind.pooler
    config = kind.family.config_from(told, **known)
    scores = state.get(f"{kind.scores}.weight")
    with torch.device("meta"):  # no memory and no dice yet: each weight comes once, as it is read
        model = kind.make(config, 1 if scores is None else len(scores))
    model.load_state_dict(_weights(model, kind, config, state), strict=False, assign=True)
    if isinstance(model, Llama) and config.tied:
        model.output.weight = model.embedding.weight
    return model.eval()


def _kind(architecture: str) -> Kind:
    if architecture not in KINDS:
        raise ValueError(f"architecture={architecture!r} must be one of {', '.join(KINDS)}; this course has no other family yet.")
    return KINDS[architecture]


def _architecture(ours: nn.Module, wanted: str | None) -> str:
    """The class of theirs that computes what ours does, which must be the one that is wanted, if any is."""
    found = _class_of(ours)
    two = isinstance(ours, Head) and ours.scores.out_features == 2
    if wanted in (None, found) or (wanted == "BertForQuestionAnswering" and found == "BertForTokenClassification" and two):
        return wanted or found
    raise ValueError(f"architecture={wanted!r} must be {found!r}, which computes what this {type(ours).__name__} does.")


def _class_of(ours: nn.Module) -> str:
    if isinstance(ours, Head) and isinstance(ours.body, Bert):
        if ours.read is None:
            return "BertForTokenClassification"
        if ours.read == ours.body.whole and ours.body.config.pooler:
            return "BertForSequenceClassification"
        raise ValueError("read must be the body's `whole`, with a pooler, or None: Hugging Face's heads of a BERT read nothing else.")
    if isinstance(ours, GPT):
        return "GPT2LMHeadModel" if ours.config.pre_norm else "OpenAIGPTLMHeadModel"
    known = {Bert: "BertModel", BertPretraining: "BertForPreTraining", T5: "T5ForConditionalGeneration", Llama: "LlamaForCausalLM"}
    if type(ours) not in known:
        names = ", ".join(kind.__name__ for kind in (*known, GPT))
        raise ValueError(f"ours={type(ours).__name__} must be one of {names}, or a Head on a Bert: Hugging Face has no class for it.")
    return known[type(ours)]


def _place(name: str, places: dict[str, Place]) -> Place:
    """`blocks.3.attend.out.bias`, by the place of `blocks.*.attend.out` → `h.3.attn.c_proj.bias`."""
    number = re.search(r"\.(\d+)\.", name)
    plain = re.sub(r"\.\d+\.", ".*.", name, count=1)
    ours = max((ours for ours in places if f"{plain}.".startswith(f"{ours}.")), key=len)
    theirs = (places[ours].name + plain[len(ours) :]).replace("*", number[1] if number else "*")
    return Place(theirs, places[ours].third, places[ours].transposed, places[ours].scale)


def _weights(ours: nn.Module, kind: Kind, config: Any, state: State) -> State:
    """Their weights under our names, each checked."""
    places = kind.places(config)
    wanted = {name: (_place(name, places), weight.shape) for name, weight in ours.named_parameters()}
    shapes = {place.name: place.shape(shape) for place, shape in wanted.values()}
    tied = kind.family.tied(config) | kind.tied
    state = {_spelled(name, kind.family.base, {*shapes, *tied}): weight for name, weight in state.items()}
    _check_names(type(ours).__name__, shapes, tied, state)
    for name in shapes:
        if not state[name].is_floating_point() or not state[name].isfinite().all():
            raise ValueError(f"{name} must hold finite numbers, and is {_trouble(state[name])}; try another checkpoint.")
    for again, first in tied.items():
        if again in state and not torch.equal(state[again], state[first]):
            raise ValueError(f"{again} must repeat {first}: in {type(ours).__name__} they are one weight; try a checkpoint that ties them.")
    return {name: place.read(state[place.name]) for name, (place, _) in wanted.items()}


def _spelled(name: str, base: str, known: Iterable[str]) -> str:
    """A name as their classes with a head write it today: old files say gamma and beta, and a body may stand alone in its file."""
    name = re.sub(r"LayerNorm\.gamma$", "LayerNorm.weight", re.sub(r"LayerNorm\.beta$", "LayerNorm.bias", name))
    return base + name if name not in known and base + name in known else name


def _check_names(model: str, shapes: dict[str, tuple[int, ...]], tied: dict[str, str], state: State) -> None:
    known = {name: tuple(state[name].shape) for name in shapes if name in state}
    troubles = {
        "missing": [name for name in shapes if name not in state],
        "unexpected": [name for name in state if name not in shapes and name not in tied and not UNUSED.search(name)],
        "of another shape": [f"{name}: {shape} instead of {shapes[name]}" for name, shape in known.items() if shape != shapes[name]],
    }
    if any(troubles.values()):
        told = [
            f"{len(names)} {trouble} ({', '.join(names[:SHOWN])}{', …' if len(names) > SHOWN else ''})"
            for trouble, names in troubles.items()
            if names
        ]
        raise ValueError(f"the weights must fit {model}, and of them {', '.join(told)}; are they of the same model as the configuration?")


def _trouble(weight: Tensor) -> str:
    if not weight.is_floating_point():
        return f"of type {weight.dtype}"
    return f"NaN or infinite {int((~weight.isfinite()).sum())} times in {weight.numel()}"
