import pickle
import subprocess
import sys

import pytest

from d2lmini.tokenizers import BPE, ByteBPE, Bytes, Characters, Unigram, WordPiece, Words
from tests.tokenizers.samples import random_texts

TEXT = "Le marché, les marchés : nous marchons.\nWe walk, we walked; «\u202foui\u202f»."
ALL = [
    Characters.train([TEXT], special=["<eos>"], unknown="<unk>"),
    Bytes.make(special=["<eos>"]),
    BPE.train([TEXT], 60, special=["<eos>"], unknown="<unk>"),
    ByteBPE.train([TEXT], 280, special=["<eos>"]),
    WordPiece.train([TEXT], 80, special=["<eos>"]),
    Unigram.train([TEXT], 60, special=["<eos>"], unknown="<unk>"),
    Words.train([TEXT], special=["<eos>"], unknown="<unk>"),
]
each = pytest.mark.parametrize("tokenizer", ALL, ids=lambda tokenizer: type(tokenizer).__name__)


@each
def test_saved_and_read_back(tokenizer, tmp_path):
    path = tmp_path / "tokenizer.json"
    tokenizer.encode(TEXT)  # what is computed on the way is not saved
    tokenizer.save(path)
    again = type(tokenizer).load(path)
    assert again == tokenizer and again.encode(TEXT) == tokenizer.encode(TEXT)
    assert "\\u" not in path.read_text("utf8") and path.read_text("utf8").count("\n") >= len(tokenizer), (
        "one token a line, as it is written"
    )


@each
def test_another_kind_is_refused(tokenizer, tmp_path):
    other = Bytes if type(tokenizer) is not Bytes else BPE
    tokenizer.save(tmp_path / "t.json")
    with pytest.raises(ValueError, match=rf"t.json holds kind='{type(tokenizer).__name__}', not a {other.__name__}"):
        other.load(tmp_path / "t.json")


@each
def test_special_tokens_are_read_only_when_asked(tokenizer):
    eos = tokenizer.ids["<eos>"]
    assert eos not in tokenizer.encode("oui<eos>")
    ids = tokenizer.encode("oui<eos>non", special=True)
    assert ids.count(eos) == 1 and ids[: ids.index(eos)] == tokenizer.encode("oui") and ids[ids.index(eos) + 1 :] == tokenizer.encode("non")
    assert "<eos>" in tokenizer.decode(ids, special=True) and "<eos>" not in tokenizer.decode(ids)


@each
def test_numbers_that_are_no_token_are_refused(tokenizer):
    for wrong in (-1, len(tokenizer)):
        with pytest.raises(IndexError, match=rf"id={wrong} must lie between 0 and {len(tokenizer) - 1}; were these ids made by another"):
            tokenizer.decode([wrong])


@each
def test_half_a_surrogate_pair_is_refused(tokenizer):
    with pytest.raises(ValueError, match=r"'\\ud800' at position 1 is half a surrogate pair, not a character; clean the text first"):
        tokenizer.encode("a\ud800")


@each
def test_a_copy_for_another_process(tokenizer):
    tokenizer.encode(TEXT)
    assert pickle.loads(pickle.dumps(tokenizer)).encode(TEXT) == tokenizer.encode(TEXT)


@each
def test_streams_and_decoding_agree(tokenizer):
    for text in [TEXT, *random_texts(300)]:
        ids = tokenizer.encode(text)
        assert "".join(tokenizer.stream(iter(ids))) == tokenizer.decode(ids)
        assert len(tokenizer.split(text)) == len(ids)


def test_bytes_by_hand_and_any_unicode():
    tokenizer = Bytes.make(special=["<pad>"])
    assert tokenizer.encode("é<pad>") == [1 + byte for byte in (0xC3, 0xA9, *b"<pad>")] and len(tokenizer) == 257
    assert all(tokenizer.decode(tokenizer.encode(text)) == text for text in random_texts(1_000))
    assert tokenizer.decode([1 + 0xC3]) == "�" and tokenizer.decode([1 + 0xA9, 1 + 0x41]) == "�A"


def test_characters_by_hand():
    tokenizer = Characters.train(["ba"], special=["<eos>"], unknown="<unk>")
    assert tokenizer.tokens == ("<eos>", "<unk>", "a", "b")
    assert tokenizer.encode("abc") == [2, 3, 1] and tokenizer.decode([2, 3, 1, 0]) == "ab<unk>"
    one = Characters.train(["a_"], special=["_"], unknown="<unk>")
    assert one.split("a_") == ["a", "<unk>"] and one.split("a_", special=True) == ["a", "_"]


def test_vocabularies_are_checked():
    with pytest.raises(ValueError, match="token 'a' must be in the vocabulary once, or it would have two numbers; remove one"):
        Characters(tokens=("a", "b", "a"))
    with pytest.raises(ValueError, match="special token '<eos>' must be a token that is not empty; add it to tokens"):
        Characters(tokens=("a",), special=("<eos>",))
    with pytest.raises(ValueError, match="special token '' must be a token that is not empty"):
        Characters(tokens=("", "a"), unknown="")


def test_the_longest_special_token_wins():
    tokenizer = Bytes.make(special=["<e>", "<e>>"])
    assert tokenizer.encode("<e>><e>", special=True) == [1, 0]


def test_no_torch_in_here():
    """Only what these modules import: the package above them is empty here."""
    code = "import d2lmini.tokenizers, sys; print([m for m in ('torch', 'numpy', 'regex', 'tokenizers') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
