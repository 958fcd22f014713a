"""Our byte-level BPE with the files that GPT-2 published, against the library in Rust: not one difference."""

import pytest
from tokenizers import ByteLevelBPETokenizer

from d2lmini.data import fetch, shakespeare, verses, vocabularies
from tests.tokenizers.samples import random_texts

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def theirs():
    folder = fetch("gpt2")
    return ByteLevelBPETokenizer.from_file(str(folder / "encoder.json"), str(folder / "vocab.bpe"), add_prefix_space=False)


def enough(texts) -> list[str]:
    """The first texts, up to a megabyte of UTF-8."""
    kept, size = [], 0
    for text in texts:
        if size >= MEGABYTE:
            return kept
        kept.append(text)
        size += len(text.encode())
    raise AssertionError("there should be more")


TEXTS = {
    "English verses": lambda: enough(verses.verses("basic")),
    "English plays": lambda: enough(shakespeare.plays().values()),
    "French verses": lambda: enough(verses.verses("segond")),
    "any Unicode": lambda: random_texts(10_000, seed=5),
}


@pytest.mark.parametrize("what", TEXTS)
def test_no_difference(what, theirs):
    ours, texts = vocabularies.gpt2(), TEXTS[what]()
    for text, encoding in zip(texts, theirs.encode_batch(texts), strict=True):
        ids = ours.encode(text)
        assert ids == encoding.ids
        assert ours.decode(ids) == text


def test_the_same_vocabulary(theirs):
    ours = vocabularies.gpt2()
    assert ours.ids == theirs.get_vocab() and len(ours) == 50_257 and len(ours.merges) == 50_000
    assert ours.encode("Hello world") == [15496, 995]
