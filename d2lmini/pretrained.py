"""Models that others trained, by name: their weights in our models, their vocabularies in our tokenizers."""

from d2lmini.data import fetch
from d2lmini.interop.checkpoints import from_checkpoint
from d2lmini.interop.gguf import read_gguf
from d2lmini.models.bert import Bert
from d2lmini.models.llama import Llama
from d2lmini.tokenizers import ByteBPE, WordPiece
from d2lmini.tokenizers.uncased import UncasedWordPiece


def smollm2() -> tuple[Llama, ByteBPE]:
    """SmolLM2-135M-Instruct, a small language model of English, in evaluation mode, and its tokenizer (Ben Allal et al. 2025).

    Its 134.5 million numbers were rounded to 4 bits (8 in the table of tokens) for the file, 98 MB, that `fetch("smollm2")`
    keeps; here each is a float again, 538 MB. Raises `NotFetched` when the file is not there and cannot be had.
    """
    return read_gguf(fetch("smollm2"))


def minilm() -> tuple[Bert, WordPiece]:
    """all-MiniLM-L6-v2, a small BERT of English that makes sentence vectors, in evaluation mode, and its tokenizer (Wang et al. 2020).

    22.7 million numbers, 91 MB. A sentence is `[CLS] … [SEP]`, its vector the mean of all its tokens' vectors, at length 1; the model
    card says so, and that it was trained on pairs of sentences up to 128 tokens long. Raises `NotFetched` as `smollm2` does.
    """
    folder = fetch("minilm")
    model = from_checkpoint(folder).requires_grad_(False)
    assert isinstance(model, Bert), "the file is checked by its hash"
    return model, UncasedWordPiece.from_vocab(folder / "vocab.txt")
