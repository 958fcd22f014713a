"""Vocabularies that others published."""

from functools import cache

from d2lmini.data.download import fetch
from d2lmini.tokenizers import ByteBPE


@cache
def gpt2() -> ByteBPE:
    """The tokenizer of GPT-2: 50,257 tokens, all 256 bytes among them (Radford et al. 2019)."""
    folder = fetch("gpt2")
    return ByteBPE.from_gpt2(folder / "encoder.json", folder / "vocab.bpe")
