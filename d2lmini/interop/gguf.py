"""A file of llama.cpp (GGUF): its weights in our `Llama`, its tokenizer in our `ByteBPE`."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from d2lmini.models.llama import Llama, LlamaConfig
from d2lmini.tokenizers import ByteBPE
from d2lmini.tokenizers.byte_bpe import ALPHABET

CONTROL = 3  # the type of a token that no text writes, such as <|im_end|>
NAMES = {
    "attn_norm": "around_attend.norm", "attn_q": "attend.query", "attn_k": "attend.key", "attn_v": "attend.value",
    "attn_output": "attend.out", "ffn_norm": "around_feed_forward.norm", "ffn_gate": "feed_forward.gate", "ffn_up": "feed_forward.wide",
    "ffn_down": "feed_forward.narrow", "token_embd": "embedding", "output_norm": "norm", "output": "output",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DigitBPE(ByteBPE):
    """A `ByteBPE` for which each digit is a word, so that 1984 is always four tokens; bytes without a token are unknown.

    >>> trained = ByteBPE.train(["en 1984, en 1984"], 261)
    >>> trained.split(" 1984"), DigitBPE(tokens=trained.tokens, merges=trained.merges).split(" 1984")
    (['Ġ1984'], ['Ġ', '1', '9', '8', '4'])
    """

    def _encode(self, text: str) -> list[int]:
        digits = "".join({character for character in text if unicodedata.category(character).startswith("N")})
        pieces = re.split(f"([{digits}])", text) if digits else [text]
        return [i for piece in pieces for i in ByteBPE._encode(self, piece)]

    def _spelled(self, word: str) -> list[int]:
        signs = (ALPHABET[byte] for byte in word.encode())
        return [self.ids[sign] if sign in self.ids else self._unknown_id(sign) for sign in signs]


def read_gguf(path: Path | str) -> tuple[Llama, DigitBPE]:
    """The model and the tokenizer that a GGUF file holds, where both are of the kinds of SmolLM2, weights in any of its roundings.

    Raises `ValueError` on a damaged file, and on another architecture or another rule for words: they would run, and answer nonsense.
    """
    from gguf import GGUFReader

    try:
        reader = GGUFReader(path)
        told = {name: field.contents() for name, field in reader.fields.items()}
    except (ValueError, IndexError, KeyError, OverflowError) as error:  # what their reader meets where bytes are missing
        raise ValueError(f"{path} must be a whole GGUF file: {error}; download it again.") from error
    wanted = {"general.architecture": "llama", "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm"}
    for key, value in wanted.items():
        if told.get(key) != value:
            raise ValueError(f"{key}={told.get(key)!r} must be {value!r}: this reader knows no other; try a file of SmolLM2.")
    reader.fields.clear()  # 160 MB of small arrays, one a token
    return _model(reader.tensors, told), _tokenizer(told)


def _model(tensors: Iterable[Any], told: dict[str, Any]) -> Llama:
    from gguf.quants import dequantize

    def size(name: str) -> Any:
        return told[f"llama.{name}"]

    stored = {tensor.name: tensor for tensor in tensors}
    config = LlamaConfig(
        vocab_size=size("vocab_size"), d_model=size("embedding_length"), n_head=size("attention.head_count"),
        n_layer=size("block_count"), d_ff=size("feed_forward_length"), n_kv_head=size("attention.head_count_kv"),
        rope_base=size("rope.freq_base"), norm_eps=size("attention.layer_norm_rms_epsilon"), tied="output.weight" not in stored,
    )  # fmt: skip
    with torch.device("meta"):  # no memory yet: each weight comes once, as it is read
        model = Llama(config)
    weights = {}
    for name, tensor in stored.items():
        weight = torch.tensor(dequantize(tensor.data, tensor.tensor_type))  # a copy: the file will be closed
        weights[_our_name(name)] = _halves(weight, config) if name.endswith(("attn_q.weight", "attn_k.weight")) else weight
    if config.tied:
        weights["output.weight"] = weights["embedding.weight"]
    model.load_state_dict(weights, assign=True)
    if config.tied:
        model.output.weight = model.embedding.weight  # assign made two parameters of one tensor
    return model.requires_grad_(False).eval()


def _our_name(name: str) -> str:
    """`blk.3.attn_q.weight` → `blocks.3.attend.query.weight`."""
    *block, part, kind = name.split(".")
    return ".".join([*(["blocks", block[1]] if block else []), NAMES[part], kind])


def _halves(weight: Float[Tensor, "d_heads d_model"], config: LlamaConfig) -> Float[Tensor, "d_heads d_model"]:
    """Rows of queries or keys in the order of our `Rotary`: the two coordinates that turn together are half a head apart.

    llama.cpp turns neighbors, so whoever wrote the file has put the rows in that order; this undoes it.
    """
    d_head = config.d_model // config.n_head
    return weight.unflatten(0, (-1, d_head // 2, 2)).transpose(1, 2).flatten(0, 2)


def _tokenizer(told: dict[str, Any]) -> DigitBPE:
    tokens, kinds = told["tokenizer.ggml.tokens"], told["tokenizer.ggml.token_type"]
    pairs = (merge.split(" ") for merge in told["tokenizer.ggml.merges"])
    return DigitBPE(
        tokens=tuple(tokens),
        merges=tuple((left, right) for left, right in pairs),
        special=tuple(token for token, kind in zip(tokens, kinds, strict=True) if kind == CONTROL),
        unknown=tokens[told["tokenizer.ggml.unknown_token_id"]],
    )
