"""How Hugging Face names and sizes what we name and size: one declaration a family, read in both directions."""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor

from d2lmini.models.bert import BertConfig
from d2lmini.models.gpt import GPTConfig
from d2lmini.models.llama import LlamaConfig
from d2lmini.models.t5 import T5Config

Told = dict[str, Any]  # what a config.json says


@dataclass(frozen=True)
class Place:
    """Where a weight of ours is among theirs; `*` in a name is the number of a layer."""

    name: str
    third: int | None = None  # of their matrix that holds queries, keys and values, one below the other
    transposed: bool = False  # (in, out) instead of (out, in)
    scale: float = 1.0  # ours = scale · theirs

    def read(self, theirs: Tensor) -> Tensor:
        """Our weight, a copy."""
        weight = theirs.t() if self.transposed else theirs
        weight = weight if self.third is None else weight.chunk(3)[self.third]
        return (weight * self.scale).contiguous() if self.scale != 1 else weight.clone(memory_format=torch.contiguous_format)

    def write(self, ours: list[Tensor]) -> Tensor:
        """Their weight, from all that share it, in order."""
        weight = torch.cat(ours) if len(ours) > 1 else ours[0]
        weight = weight / self.scale if self.scale != 1 else weight
        return weight.t().contiguous() if self.transposed else weight

    def shape(self, ours: torch.Size) -> tuple[int, ...]:
        """Their shape, from that of our weight."""
        theirs = ours if self.third is None else (3 * ours[0], *ours[1:])
        return tuple(reversed(theirs)) if self.transposed else tuple(theirs)


Names = dict[str, str | Place]


@dataclass(frozen=True, kw_only=True)
class Family:
    """What two names of everything, sizes and weights, have in common."""

    model_type: str
    config: type
    sizes: dict[str, str]  # a field of our configuration → their key
    names: Callable[[Any], Names]  # a module or weight of ours → theirs
    only: dict[str, tuple[Any, ...]]  # their key → the values for which our code computes what theirs does, their default first
    read: Callable[[Told], Told] = lambda told: {}  # other fields of ours
    write: Callable[[Any], Told] = lambda config: {}  # other keys of theirs
    base: str = ""  # begins the names of the body's weights, unless the body is alone in its file
    tied: Callable[[Any], dict[str, str]] = lambda config: {}  # names of theirs that repeat another weight

    def config_from(self, told: Told, **known: Any) -> Any:
        """Our configuration; `ValueError` on what our code does not compute, and on a size that is missing or no number."""
        for key, values in ({"quantization_config": (None,)} | self.only).items():
            if told.get(key, values[0]) not in values:
                must = " or ".join(map(repr, values))
                raise ValueError(
                    f"{key}={told[key]!r} must be {must}: {self.config.__name__} describes nothing else; try another checkpoint."
                )
        found = self.read(told) | known
        for field in fields(self.config):
            key = self.sizes.get(field.name)
            if key is None or field.name in found or (key not in told and field.default is not MISSING):
                continue
            value, kind = told.get(key), int if field.type is int else int | float
            if isinstance(value, bool) or not isinstance(value, kind) or value < (field.type is int):
                what = "whole number, at least 1" if field.type is int else "number, at least 0"
                raise ValueError(f"{key}={value!r} must be a {what}, in the configuration; is this config.json whole?")
            found[field.name] = value
        return self.config(**found)

    def config_to(self, config: Any) -> Told:
        """Their configuration."""
        return {"model_type": self.model_type} | {key: getattr(config, ours) for ours, key in self.sizes.items()} | self.write(config)


# --- BERT -------------------------------------------------------------------------------------------------------


def _bert_names(c: BertConfig) -> Names:
    body = {
        "body.embedding": "embeddings.word_embeddings", "body.positions.table": "embeddings.position_embeddings.weight",
        "body.segments": "embeddings.token_type_embeddings", "body.norm": "embeddings.LayerNorm", "body.pooler": "pooler.dense",
        "body.blocks.*.attend.query": "encoder.layer.*.attention.self.query",
        "body.blocks.*.attend.key": "encoder.layer.*.attention.self.key",
        "body.blocks.*.attend.value": "encoder.layer.*.attention.self.value",
        "body.blocks.*.attend.out": "encoder.layer.*.attention.output.dense",
        "body.blocks.*.around_attend.norm": "encoder.layer.*.attention.output.LayerNorm",
        "body.blocks.*.feed_forward.wide": "encoder.layer.*.intermediate.dense",
        "body.blocks.*.feed_forward.narrow": "encoder.layer.*.output.dense",
        "body.blocks.*.around_feed_forward.norm": "encoder.layer.*.output.LayerNorm",
    }  # fmt: skip
    names: Names = {ours: f"bert.{theirs}" for ours, theirs in body.items()}
    return names | {
        "before_words": "cls.predictions.transform.dense", "norm": "cls.predictions.transform.LayerNorm",
        "word_bias": "cls.predictions.bias", "follows": "cls.seq_relationship",
    }  # fmt: skip


BERT = Family(
    model_type="bert",
    config=BertConfig,
    sizes={
        "vocab_size": "vocab_size", "d_model": "hidden_size", "n_head": "num_attention_heads", "n_layer": "num_hidden_layers",
        "d_ff": "intermediate_size", "n_position": "max_position_embeddings", "n_segment": "type_vocab_size",
        "norm_eps": "layer_norm_eps", "dropout": "hidden_dropout_prob",
    },
    only={"hidden_act": ("gelu",), "position_embedding_type": ("absolute",), "is_decoder": (False,), "add_cross_attention": (False,)},
    names=_bert_names,
    write=lambda c: {"attention_probs_dropout_prob": 0.0},
    base="bert.",
)  # fmt: skip


# --- GPT --------------------------------------------------------------------------------------------------------


def _gpt_names(tokens: str, positions: str) -> Names:
    """Their Conv1D keeps its matrices as (in, out), and queries, keys and values in one."""
    return {
        "embedding": f"transformer.{tokens}", "positions.table": f"transformer.{positions}.weight", "norm": "transformer.ln_f",
        "blocks.*.attend.query": Place("transformer.h.*.attn.c_attn", third=0, transposed=True),
        "blocks.*.attend.key": Place("transformer.h.*.attn.c_attn", third=1, transposed=True),
        "blocks.*.attend.value": Place("transformer.h.*.attn.c_attn", third=2, transposed=True),
        "blocks.*.attend.out": Place("transformer.h.*.attn.c_proj", transposed=True),
        "blocks.*.around_attend.norm": "transformer.h.*.ln_1",
        "blocks.*.feed_forward.wide": Place("transformer.h.*.mlp.c_fc", transposed=True),
        "blocks.*.feed_forward.narrow": Place("transformer.h.*.mlp.c_proj", transposed=True),
        "blocks.*.around_feed_forward.norm": "transformer.h.*.ln_2",
    }  # fmt: skip


def _write_gpt(c: GPTConfig) -> Told:
    if c.window is not None:
        raise ValueError(f"window={c.window} must be None: neither GPT2LMHeadModel nor OpenAIGPTLMHeadModel has local layers.")
    if not c.pre_norm and c.d_ff != 4 * c.d_model:
        raise ValueError(
            f"d_ff={c.d_ff} must be 4 d_model={4 * c.d_model}: OpenAIGPTLMHeadModel has no other; or build with pre_norm=True."
        )
    return {"embd_pdrop": c.dropout, "attn_pdrop": 0.0} | ({"n_inner": c.d_ff} if c.pre_norm else {})


GPT2 = Family(
    model_type="gpt2",
    config=GPTConfig,
    sizes={
        "vocab_size": "vocab_size", "d_model": "n_embd", "n_head": "n_head", "n_layer": "n_layer", "n_position": "n_positions",
        "norm_eps": "layer_norm_epsilon", "dropout": "resid_pdrop",
    },
    only={
        "activation_function": ("gelu_new", "gelu_pytorch_tanh"), "scale_attn_weights": (True,),
        "scale_attn_by_inverse_layer_idx": (False,), "add_cross_attention": (False,),
    },
    names=lambda c: _gpt_names("wte", "wpe"),
    read=lambda told: {"d_ff": told.get("n_inner") or 4 * told.get("n_embd", 0)},
    write=_write_gpt,
    base="transformer.",
    tied=lambda c: {"lm_head.weight": "transformer.wte.weight"},
)  # fmt: skip
FIRST_GPT = replace(
    GPT2,
    model_type="openai-gpt",
    only={"afn": ("gelu",)},  # which in their code is the one with a tanh
    names=lambda c: _gpt_names("tokens_embed", "positions_embed"),
    read=lambda told: {"d_ff": 4 * told.get("n_embd", 0), "pre_norm": False},
    tied=lambda c: {"lm_head.weight": "transformer.tokens_embed.weight"},
)


# --- T5 ---------------------------------------------------------------------------------------------------------


def _t5_names(c: T5Config) -> Names:
    """Their layers number their parts, two in the encoder and three in the decoder; the first of each stack holds its buckets."""
    larger = (c.d_head or c.d_model // c.n_head) ** 0.5  # their scores are not divided by it
    wide = {"gate": "wi_0", "wide": "wi_1", "narrow": "wo"} if c.gated else {"wide": "wi", "narrow": "wo"}
    names: Names = {"embedding": "shared", "output": "lm_head"}
    for stack, parts in (("encoder", ["attend"]), ("decoder", ["attend", "cross"])):
        names[f"{stack}_positions.table"] = f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"
        names[f"{stack}_norm"] = f"{stack}.final_layer_norm"
        for i, part in enumerate([*parts, "feed_forward"]):
            ours, theirs = f"{stack}.*.{part}", f"{stack}.block.*.layer.{i}"
            names[f"{stack}.*.around_{part}.norm"] = f"{theirs}.layer_norm"
            if part == "feed_forward":
                names |= {f"{ours}.{a}": f"{theirs}.DenseReluDense.{b}" for a, b in wide.items()}
            else:
                attention = f"{theirs}.{'SelfAttention' if part == 'attend' else 'EncDecAttention'}"
                names |= {f"{ours}.key": f"{attention}.k", f"{ours}.value": f"{attention}.v", f"{ours}.out": f"{attention}.o"}
                names[f"{ours}.query"] = Place(f"{attention}.q", scale=larger)
    return names


def _read_t5(told: Told) -> Told:
    decoder = told.get("num_decoder_layers")
    if decoder not in (None, told.get("num_layers")):
        raise ValueError(f"num_decoder_layers={decoder} must be num_layers={told.get('num_layers')}: T5Config has one n_layer for both.")
    tied = told.get("scale_decoder_outputs", told.get("tie_word_embeddings", True))  # transformers 5 renamed it when it saves
    return {"d_head": told.get("d_kv", 64), "gated": told.get("feed_forward_proj") == "gated-gelu", "tied": tied}


T5 = Family(
    model_type="t5",
    config=T5Config,
    sizes={
        "vocab_size": "vocab_size", "d_model": "d_model", "n_head": "num_heads", "n_layer": "num_layers", "d_ff": "d_ff",
        "n_bucket": "relative_attention_num_buckets", "max_distance": "relative_attention_max_distance",
        "norm_eps": "layer_norm_epsilon", "dropout": "dropout_rate",
    },
    only={"feed_forward_proj": ("relu", "gated-gelu")},
    names=_t5_names,
    read=_read_t5,
    write=lambda c: {
        "d_kv": c.d_head or c.d_model // c.n_head, "feed_forward_proj": "gated-gelu" if c.gated else "relu", "tie_word_embeddings": c.tied,
    },
    tied=lambda c: dict.fromkeys(
        ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight", *(["lm_head.weight"] if c.tied else [])], "shared.weight"
    ),
)  # fmt: skip


# --- LLaMA ------------------------------------------------------------------------------------------------------

LLAMA_NAMES: Names = {
    "embedding": "model.embed_tokens", "norm": "model.norm", "output": "lm_head",
    "blocks.*.attend.query": "model.layers.*.self_attn.q_proj", "blocks.*.attend.key": "model.layers.*.self_attn.k_proj",
    "blocks.*.attend.value": "model.layers.*.self_attn.v_proj", "blocks.*.attend.out": "model.layers.*.self_attn.o_proj",
    "blocks.*.around_attend.norm": "model.layers.*.input_layernorm",
    "blocks.*.feed_forward.gate": "model.layers.*.mlp.gate_proj", "blocks.*.feed_forward.wide": "model.layers.*.mlp.up_proj",
    "blocks.*.feed_forward.narrow": "model.layers.*.mlp.down_proj",
    "blocks.*.around_feed_forward.norm": "model.layers.*.post_attention_layernorm",
}  # fmt: skip


def _read_llama(told: Told) -> Told:
    rope = told.get("rope_parameters") or told.get("rope_scaling") or {}
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind != "default":
        raise ValueError(f"rope_type={kind!r} must be 'default': our Rotary does not stretch positions; try another checkpoint.")
    d_head, n_head = told.get("head_dim"), told.get("num_attention_heads")
    if d_head and n_head and d_head * n_head != told.get("hidden_size"):
        raise ValueError(
            f"head_dim={d_head} must be hidden_size={told.get('hidden_size')} / num_attention_heads={n_head}: ours has no other."
        )
    base = rope.get("rope_theta", told.get("rope_theta", 10_000.0))
    return {"rope_base": base, "n_kv_head": told.get("num_key_value_heads"), "tied": told.get("tie_word_embeddings", False)}


def _write_llama(c: LlamaConfig) -> Told:
    rope = {"rope_theta": c.rope_base, "rope_parameters": {"rope_type": "default", "rope_theta": c.rope_base}}  # transformers 4, then 5
    return {"num_key_value_heads": c.n_kv_head or c.n_head, "tie_word_embeddings": c.tied} | rope


LLAMA = Family(
    model_type="llama",
    config=LlamaConfig,
    sizes={
        "vocab_size": "vocab_size", "d_model": "hidden_size", "n_head": "num_attention_heads", "n_layer": "num_hidden_layers",
        "d_ff": "intermediate_size", "norm_eps": "rms_norm_eps",
    },
    only={"hidden_act": ("silu",), "attention_bias": (False,), "mlp_bias": (False,)},
    names=lambda c: LLAMA_NAMES,
    read=_read_llama,
    write=_write_llama,
    base="model.",
    tied=lambda c: {"lm_head.weight": "model.embed_tokens.weight"} if c.tied else {},
)  # fmt: skip
