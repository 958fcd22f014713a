"""Parameters, operations and memory of a transformer, part by part, from its sizes alone: no model is built."""

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

from d2lmini.models.bert import BertConfig
from d2lmini.models.gpt import GPTConfig
from d2lmini.models.llama import LlamaConfig
from d2lmini.models.seq2seq import Seq2SeqConfig
from d2lmini.models.t5 import T5Config


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """What decides the counts. With both stacks, each decoder layer has a cross-attention."""

    d_model: int
    n_head: int
    d_ff: int
    n_encoder: int = 0  # layers
    n_decoder: int = 0  # layers
    d_head: int = 0  # coordinates; 0: d_model / n_head
    n_kv_head: int = 0  # heads of keys and values; 0: as many as n_head
    gated: bool = False  # a third matrix in the feed-forward network
    activation: Literal["relu", "gelu", "silu"] = "relu"
    bias: bool = True  # in each linear map of the layers

    vocab_size: int = 0  # tokens; 0: none, patches of a picture instead
    patch_size: int = 0  # pixels a side
    n_channel: int = 3  # of a pixel
    n_position: int = 0  # learned vectors, also the longest text; 0: waves, rotations or buckets, any length
    n_segment: int = 0  # learned vectors that tell sentences A and B apart
    n_bucket: int = 0  # learned biases a head and a stack, for relative positions

    rms_norm: bool = False  # one vector a norm; LayerNorm has two
    embedding_norm: bool = False  # after the embeddings
    final_norm: bool = True  # after each stack

    output: Literal["tied", "own", "none"] = "tied"  # scores by the embedding table, by another matrix, or no scores
    output_bias: bool = False
    n_class: int = 0  # scores of the whole input, by its first vector; 0: scores of each token
    pooler: bool = False  # a linear map of the first vector

    def __post_init__(self) -> None:
        d, h = self.d_model, self.n_head
        if not self.d_head and d % h:
            raise ValueError(f"d_model={d} must be a multiple of n_head={h}; try d_model={-(-d // h) * h}, or give d_head.")
        if self.n_kv_head and h % self.n_kv_head:
            fewer = max(n for n in range(1, self.n_kv_head) if h % n == 0)
            raise ValueError(f"n_head={h} must be a multiple of n_kv_head={self.n_kv_head}; try n_kv_head={fewer}.")
        if self.output == "tied" and not self.vocab_size:
            raise ValueError("output='tied' needs a table of tokens and vocab_size=0; give vocab_size, or output='own'.")

    @property
    def n_cross(self) -> int:
        """Layers of cross-attention."""
        return self.n_decoder if self.n_encoder else 0

    @property
    def width(self) -> int:
        """Coordinates of a token's queries, all heads together."""
        return self.n_head * (self.d_head or self.d_model // self.n_head)

    @property
    def kv_width(self) -> int:
        """Coordinates of a token's keys, all heads together; of its values too."""
        return self.width // self.n_head * (self.n_kv_head or self.n_head)

    @property
    def patch_values(self) -> int:
        """Numbers in a patch."""
        return self.patch_size**2 * self.n_channel

    @property
    def n_output(self) -> int:
        """Scores that come out, for the whole input or for each token."""
        return self.n_class or self.vocab_size


def architecture(config: Seq2SeqConfig | BertConfig | GPTConfig | T5Config | LlamaConfig) -> Architecture:
    """The architecture of a model of this package; of a BERT, that of its body, without the heads of `BertPretraining`.

    >>> sum(parameters(architecture(LlamaConfig(vocab_size=49_152, d_model=576, n_head=9, n_kv_head=3, n_layer=30, d_ff=1536))).values())
    134515008
    """
    c = config
    sizes: dict[str, Any] = {"d_model": c.d_model, "n_head": c.n_head, "d_ff": c.d_ff, "vocab_size": c.vocab_size}
    match c:
        case Seq2SeqConfig():
            return Architecture(**sizes, n_encoder=c.n_layer, n_decoder=c.n_layer, final_norm=c.final_norm, output_bias=c.output_bias)
        case BertConfig():
            return Architecture(
                **sizes, n_encoder=c.n_layer, n_position=c.n_position, n_segment=c.n_segment, activation="gelu",
                embedding_norm=True, final_norm=False, output="none", pooler=c.pooler,
            )  # fmt: skip
        case GPTConfig():
            return Architecture(**sizes, n_decoder=c.n_layer, n_position=c.n_position, activation="gelu", final_norm=c.pre_norm)
        case T5Config():
            return Architecture(
                **sizes, n_encoder=c.n_layer, n_decoder=c.n_layer, d_head=c.d_head or 0, n_bucket=c.n_bucket, gated=c.gated,
                activation="gelu" if c.gated else "relu", bias=False, rms_norm=True, output="tied" if c.tied else "own",
            )  # fmt: skip
        case LlamaConfig():
            return Architecture(
                **sizes, n_decoder=c.n_layer, n_kv_head=c.n_kv_head or 0, gated=True, activation="silu", bias=False, rms_norm=True,
                output="tied" if c.tied else "own",
            )  # fmt: skip


def parameters(a: Architecture) -> dict[str, int]:
    """How many numbers are learned, part by part; the sum of the values is the whole model.

    >>> base = architecture(Seq2SeqConfig(vocab_size=29))
    >>> parameters(base)["embeddings"], sum(parameters(base).values())
    (14848, 44153373)
    """
    d, n_layer, n_stack = a.d_model, a.n_encoder + a.n_decoder, bool(a.n_encoder) + bool(a.n_decoder)
    attention = 2 * d * a.width + 2 * d * a.kv_width + a.bias * (a.width + 2 * a.kv_width + d)
    feed_forward = (2 + a.gated) * d * a.d_ff + a.bias * ((1 + a.gated) * a.d_ff + d)
    patch = (a.patch_values + 1 + 1) * d if a.patch_size else 0  # matrix, bias, and the class token
    n_norm = 2 * n_layer + a.n_cross + a.embedding_norm + a.final_norm * n_stack
    return {
        "embeddings": (a.vocab_size + a.n_segment) * d + patch,
        "positions": a.n_position * d + a.n_bucket * a.n_head * n_stack,
        "self-attention": n_layer * attention,
        "cross-attention": a.n_cross * attention,
        "feed-forward": n_layer * feed_forward,
        "norms": n_norm * (1 if a.rms_norm else 2) * d,
        "output": (a.output == "own") * d * a.n_output + a.output_bias * a.n_output + a.pooler * (d + 1) * d,
    }


def flops(a: Architecture, n_token: int, *, n_source: int | None = None) -> dict[str, int]:
    """Operations of a forward pass over one text, 2 for a multiply-add; `n_source` tokens are read where an encoder and a decoder meet.

    "scores" are q·k and weights·v, in T² where the rest is in T. They are counted in full: a causal mask hides half of them, but
    few programs skip that half. Left out, as each costs a few operations a number: biases, softmax, norms, activations, additions,
    rotations. Fetching an embedding costs none.

    Rule of thumb: without the scores, each parameter in a matrix serves once a token, so a forward pass costs 2·N·T. The backward
    pass costs twice that, so training on D tokens costs about 6·N·D (Kaplan et al. 2020, §2.1).

    >>> gpt = PRESETS["gpt3"].architecture
    >>> round(sum(flops(gpt, 1).values()) / sum(parameters(gpt).values()), 2)
    2.0
    """
    enc, dec = _tokens(a, n_token, n_source)
    d, passes = a.d_model, a.n_encoder * enc + a.n_decoder * dec  # a token through a layer
    pairs = a.n_encoder * enc**2 + a.n_decoder * dec**2 + a.n_cross * dec * enc
    n_scored = 0 if a.output == "none" else 1 if a.n_class else dec or enc
    return {
        "embeddings": 2 * (n_token - 1) * a.patch_values * d if a.patch_size else 0,  # the class token is no patch
        "self-attention": 2 * passes * 2 * d * (a.width + a.kv_width),
        "cross-attention": 2 * a.n_cross * 2 * d * (dec * a.width + enc * a.kv_width),
        "scores": 2 * pairs * 2 * a.width,
        "feed-forward": 2 * passes * (2 + a.gated) * d * a.d_ff,
        "output": 2 * (n_scored * d * a.n_output + a.pooler * d * d),
    }


def cache_bytes(a: Architecture, n_token: int, bytes_per_number: int = 2, *, n_source: int | None = None) -> dict[str, int]:
    """Keys and values that a decoder keeps so as to read each token once; those of the source too, in cross-attention.

    >>> sum(cache_bytes(PRESETS["llama-7b"].architecture, 1).values()) // 1024  # kB a token
    512
    """
    enc, dec = _tokens(a, n_token, n_source)
    per_token = 2 * a.kv_width * bytes_per_number
    return {"self-attention": a.n_decoder * dec * per_token, "cross-attention": a.n_cross * enc * per_token}


def step_flops(a: Architecture, n_token: int, *, cached: bool = True) -> dict[str, int]:
    """Operations with which a decoder that holds n_token tokens scores the next one, part by part, 2 for a multiply-add.

    With the cache, the last token alone goes through the layers, and meets T keys and T values: what one token costs, and
    4·T·H·d_head a layer for the scores. Without, all T go through again, as in `flops`, and the last one's scores come out.

    Raises `ValueError` when there is an encoder or no decoder.

    >>> a = PRESETS["llama3-8b"].architecture
    >>> again, once = (sum(step_flops(a, 1000, cached=cached).values()) for cached in (False, True))
    >>> round(again / once)
    932
    """
    _check_decoder(a, n_token)
    one = flops(a, 1)
    return one | {"scores": n_token * one["scores"]} if cached else flops(a, n_token) | {"output": one["output"]}


def writing_flops(a: Architecture, n_token: int, *, cached: bool = True) -> dict[str, int]:
    """Operations of all the steps from 1 to n_token, the sum of `step_flops`: in T and T² with the cache, in T² and T³ without.

    Raises what `step_flops` does.

    >>> a = PRESETS["gpt2-small"].architecture
    >>> writing_flops(a, 3)["scores"] == sum(step_flops(a, n)["scores"] for n in (1, 2, 3))
    True
    """
    _check_decoder(a, n_token)
    one, n = flops(a, 1), n_token
    total, total_of_squares = n * (n + 1) // 2, n * (n + 1) * (2 * n + 1) // 6
    each = {part: (n if cached or part == "output" else total) * ops for part, ops in one.items()}
    return each | {"scores": (total if cached else total_of_squares) * one["scores"]}


def n_fitting(a: Architecture, n_token: int, memory: float, *, bytes_per_number: int = 2, weight_bytes: float = 2) -> int:
    """How many texts of n_token tokens a decoder writes at once in `memory` bytes, where its weights and their caches must fit.

    Left out: what a step needs besides, which it can throw away. Raises what `step_flops` does.

    >>> n_fitting(PRESETS["llama3-8b"].architecture, 8192, 24e9)
    7
    """
    _check_decoder(a, n_token)
    free = memory - sum(parameters(a).values()) * weight_bytes
    return max(0, int(free // sum(cache_bytes(a, n_token, bytes_per_number).values())))


def _check_decoder(a: Architecture, n_token: int) -> None:
    if a.n_encoder or not a.n_decoder:
        raise ValueError(
            f"n_encoder={a.n_encoder} must be 0 and n_decoder={a.n_decoder} at least 1, a decoder alone; try PRESETS['gpt2-xl']."
        )
    _tokens(a, n_token, None)


def activation_bytes(
    a: Architecture, n_token: int, batch: int = 1, bytes_per_number: int = 4, *, n_source: int | None = None, fused: bool = True
) -> dict[str, int]:
    """What a training step keeps for the backward pass, as this package's modules do it, cross-entropy included.

    For each token, once each, even where two operations share it:
    - an attention: its input, q, k, v (k and v repeated to all heads) and what enters W_O; the source once for all cross-attentions;
    - "scores": the weights, T² a head, or one normalizer a query when `fused`;
    - a feed-forward network: its input and its d_ff-wide steps, one, one more where GELU or SiLU needs its own input, two more when gated;
    - a norm: its input and two statistics; RMSNorm, in three operations: its input, its output before the gain, one statistic;
    - the output: its input, and the log-probabilities that the loss keeps.
    Left out: dropout (none), masks, indices, rotations, and the parameters themselves.
    """
    enc, dec = _tokens(a, n_token, n_source)
    d, passes, norm = a.d_model, a.n_encoder * enc + a.n_decoder * dec, (2 * a.d_model + 1 if a.rms_norm else a.d_model + 2)
    queries = passes + a.n_cross * dec
    pairs = a.n_encoder * enc**2 + a.n_decoder * dec**2 + a.n_cross * dec * enc
    normed = 2 * passes + a.n_cross * dec + (a.embedding_norm + a.final_norm) * (enc + dec)
    n_step = 1 + 2 * a.gated + (a.activation != "relu")
    last, scored = dec or enc, 1 if a.n_class else dec or enc
    has_output = a.output != "none"
    kept = {
        "embeddings": (n_token - 1) * a.patch_values if a.patch_size else 0,
        "self-attention": passes * (d + 4 * a.width),
        "cross-attention": a.n_cross * (dec * (d + 2 * a.width) + enc * 2 * a.width) + bool(a.n_cross) * enc * d,
        "scores": a.n_head * (queries if fused else pairs),
        "feed-forward": passes * (d + n_step * a.d_ff),
        "norms": normed * norm,
        "output": (has_output or a.pooler) * last * d + has_output * scored * a.n_output + a.pooler * d,
    }
    return {part: n * batch * bytes_per_number for part, n in kept.items()}


def _tokens(a: Architecture, n_token: int, n_source: int | None) -> tuple[int, int]:
    """How many tokens the encoder and the decoder see."""
    if a.n_position and n_token > a.n_position:
        raise ValueError(f"n_token={n_token} must be at most n_position={a.n_position}, what was learned; try n_token={a.n_position}.")
    if a.n_encoder and a.n_decoder:
        return n_source or n_token, n_token
    return (n_token, 0) if a.n_encoder else (0, n_token)


# --- published models -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Preset:
    """A published model: its sizes, the count its authors print, and why ours differs."""

    name: str
    architecture: Architecture
    published: int  # parameters, as printed
    source: str  # key in book/references.bib
    where: str  # in the source
    why: tuple[str, str]  # the counts differ, in French and in English

    @property
    def cited(self) -> str:
        """The source as readers cite it: all have more than two authors."""
        author, year = re.findall(r"[a-z]+|\d+", self.source)[:2]
        return f"{author.capitalize()} et al. {year}"


def _resize(a: Architecture, n_layer: int, d_model: int, n_head: int, **other: Any) -> Architecture:
    """The same model with other sizes, d_ff being 4 d_model unless told otherwise."""
    layers = {"n_encoder": n_layer * bool(a.n_encoder), "n_decoder": n_layer * bool(a.n_decoder)}
    return replace(a, **{"d_model": d_model, "n_head": n_head, "d_ff": 4 * d_model} | layers | other)


BASE = Architecture(d_model=512, n_head=8, d_ff=2048, n_encoder=6, n_decoder=6, vocab_size=37_000, final_norm=False)
BERT = Architecture(
    d_model=768, n_head=12, d_ff=3072, n_encoder=12, activation="gelu", vocab_size=30_522, n_position=512, n_segment=2,
    embedding_norm=True, final_norm=False, output="none", pooler=True,
)  # fmt: skip
GPT2 = Architecture(d_model=768, n_head=12, d_ff=3072, n_decoder=12, activation="gelu", vocab_size=50_257, n_position=1024)
T5 = Architecture(
    d_model=768, n_head=12, d_head=64, d_ff=3072, n_encoder=12, n_decoder=12, bias=False, vocab_size=32_128, n_bucket=32, rms_norm=True
)
LLAMA = Architecture(
    d_model=4096, n_head=32, d_ff=11_008, n_decoder=32, gated=True, activation="silu", bias=False, vocab_size=32_000,
    rms_norm=True, output="own",
)  # fmt: skip
LLAMA_3 = replace(LLAMA, n_kv_head=8, d_ff=14_336, vocab_size=128_256)
VIT = Architecture(
    d_model=768, n_head=12, d_ff=3072, n_encoder=12, activation="gelu", patch_size=16, n_position=197, output="own", output_bias=True,
    n_class=1000,
)  # fmt: skip

VOCABULARY = (
    "L'article annonce environ 37 000 jetons (§5.1). Il en faudrait 40 700 pour atteindre les 65 millions du modèle de base, "
    "mais 35 800 pour les 213 millions du grand : aucun vocabulaire n'explique les deux.",
    "The paper says about 37,000 tokens (§5.1). The base model's 65 million would take 40,700 of them, "
    "but the big model's 213 million 35,800: no vocabulary explains both.",
)
TENS = (
    "Arrondi à la dizaine de millions. La couche qui devine les mots masqués n'est pas comptée ici.",
    "Rounded to tens of millions. The layer that guesses masked words is not counted here.",
)
OLD_VOCABULARY = (
    "Une erreur, que ses auteurs reconnaissent avec leur code. Si le vocabulaire était celui du premier GPT, 40 478 jetons au lieu "
    "de 50 257, on trouverait les quatre chiffres publiés.",
    "An error, which its authors admit beside their code. If the vocabulary were that of the first GPT, 40,478 tokens instead "
    "of 50,257, the four published figures would come out.",
)
ANNEX = ("Arrondi : l'annexe D du même article donne 174 600 millions.", "Rounded: appendix D of the same paper gives 174,600 million.")
TWO_TABLES = (
    "Inexpliqué. Avec une matrice de sortie séparée, que ce modèle n'a pas, on aurait 770,6 millions.",
    "Unexplained. With an output matrix of its own, which this model does not have, it would be 770.6 million.",
)
SPECIAL = (
    "Arrondi. La table compte 256 jetons spéciaux en plus des 128 000 de l'article.",
    "Rounded. The table holds 256 special tokens more than the paper's 128,000.",
)
CLASSES = (
    "La sortie vers les 1 000 classes d'ImageNet est comptée ici ; sans elle, 85,8 millions.",
    "The output to the 1,000 classes of ImageNet is counted here; without it, 85.8 million.",
)
PATCHES = (
    "Inexpliqué : sans la sortie, 303,3 millions. Avec des imagettes de 32 pixels de côté au lieu de 16, on aurait 306,5 millions.",
    "Unexplained: without the output, 303.3 million. With patches of 32 pixels a side instead of 16, it would be 306.5 million.",
)
ROUNDED = ("Arrondi.", "Rounded.")

_VASWANI, _DEVLIN, _RADFORD, _RAFFEL = "vaswani2017attention", "devlin2019bert", "radford2019language", "raffel2020exploring"
_BROWN, _TOUVRON, _GRATTAFIORI, _DOSOVITSKIY = "brown2020language", "touvron2023llama", "grattafiori2024llama", "dosovitskiy2021image"
PRESETS = {
    "transformer-base": Preset("Transformer base", BASE, 65_000_000, _VASWANI, "table 3", VOCABULARY),
    "transformer-big": Preset("Transformer big", _resize(BASE, 6, 1024, 16), 213_000_000, _VASWANI, "table 3", VOCABULARY),
    "bert-base": Preset("BERT base", BERT, 110_000_000, _DEVLIN, "§3", TENS),
    "bert-large": Preset("BERT large", _resize(BERT, 24, 1024, 16), 340_000_000, _DEVLIN, "§3", TENS),
    "gpt2-small": Preset("GPT-2 small", GPT2, 117_000_000, _RADFORD, "table 2", OLD_VOCABULARY),
    "gpt2-medium": Preset("GPT-2 medium", _resize(GPT2, 24, 1024, 16), 345_000_000, _RADFORD, "table 2", OLD_VOCABULARY),
    "gpt2-large": Preset("GPT-2 large", _resize(GPT2, 36, 1280, 20), 762_000_000, _RADFORD, "table 2", OLD_VOCABULARY),
    "gpt2-xl": Preset("GPT-2 XL", _resize(GPT2, 48, 1600, 25), 1_542_000_000, _RADFORD, "table 2", OLD_VOCABULARY),
    "gpt3": Preset("GPT-3", _resize(GPT2, 96, 12_288, 96, n_position=2048), 175_000_000_000, _BROWN, "table 2.1", ANNEX),
    "t5-small": Preset("T5 small", _resize(T5, 6, 512, 8), 60_000_000, _RAFFEL, "§3.7", ROUNDED),
    "t5-base": Preset("T5 base", T5, 220_000_000, _RAFFEL, "§3.1.1", ROUNDED),
    "t5-large": Preset("T5 large", _resize(T5, 24, 1024, 16), 770_000_000, _RAFFEL, "§3.7", TWO_TABLES),
    "t5-11b": Preset("T5 11B", _resize(T5, 24, 1024, 128, d_head=128, d_ff=65_536), 11_000_000_000, _RAFFEL, "§3.7", ROUNDED),
    "llama-7b": Preset("LLaMA 7B", LLAMA, 6_700_000_000, _TOUVRON, "table 2", ROUNDED),
    "llama3-8b": Preset("Llama 3 8B", LLAMA_3, 8_000_000_000, _GRATTAFIORI, "table 3", SPECIAL),
    "vit-b16": Preset("ViT-B/16", VIT, 86_000_000, _DOSOVITSKIY, "table 1", CLASSES),
    "vit-l16": Preset("ViT-L/16", _resize(VIT, 24, 1024, 16), 307_000_000, _DOSOVITSKIY, "table 1", PATCHES),
}
