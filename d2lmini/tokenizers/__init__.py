"""From text to numbers and back, in pure Python: characters, bytes, words, BPE, WordPiece, unigram; no torch in here."""

from d2lmini.tokenizers.bpe import BPE
from d2lmini.tokenizers.byte_bpe import ByteBPE
from d2lmini.tokenizers.characters import Bytes, Characters
from d2lmini.tokenizers.tokenizer import Tokenizer
from d2lmini.tokenizers.unigram import Unigram
from d2lmini.tokenizers.wordpiece import WordPiece
from d2lmini.tokenizers.words import Words

__all__ = ["BPE", "ByteBPE", "Bytes", "Characters", "Tokenizer", "Unigram", "WordPiece", "Words"]
