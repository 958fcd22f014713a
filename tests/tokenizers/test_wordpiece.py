import pytest
from tokenizers import Tokenizer as Theirs
from tokenizers import decoders, models, pre_tokenizers

from d2lmini.tokenizers import WordPiece
from tests.tokenizers.samples import CHAPTERS, PYTHON, random_texts
from tests.tokenizers.test_pretokens import LATER

LATIN = [chr(point) for point in range(0x20, 0x600) if point not in LATER]


@pytest.fixture(scope="module")
def ours():
    return WordPiece.train(CHAPTERS, 2_003, special=["[CLS]", "[SEP]"])


def test_by_hand():
    """Greedy: `abc` takes `ab` and is left with a `c` that no piece goes on with, though `a ##bc` would do."""
    pieces = WordPiece(tokens=("[UNK]", "a", "ab", "##bc", "##c"), unknown="[UNK]")
    assert pieces.split("abc abbc bc") == ["ab", "##c", "ab", "##bc", "[UNK]"]
    assert WordPiece(tokens=("[UNK]", "a", "ab", "##bc"), unknown="[UNK]").split("abc") == ["[UNK]"]


def test_learned_pieces_by_hand():
    """##er: 3, then ##w ##er: 3; of the pairs seen twice, those of the smallest numbers first; `low` is seen once."""
    learned = WordPiece.train(["low lower newer newer"], 13, min_count=2)
    assert learned.tokens == ("[UNK]", "##e", "##o", "##r", "##w", "l", "n", "##er", "##wer", "##ewer", "lo", "newer")


def test_same_ids_and_text_as_the_library(ours):
    theirs = Theirs(models.WordPiece(ours.ids, unk_token="[UNK]", max_input_chars_per_word=100))
    theirs.pre_tokenizer, theirs.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece(cleanup=False)
    for text in [*CHAPTERS, *PYTHON, *random_texts(2_000, 2, LATIN), "a" * 100, "a" * 101]:
        ids = ours.encode(text)
        assert ids == theirs.encode(text).ids
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False)


def test_a_piece_that_is_only_the_prefix_is_a_word():
    assert WordPiece(tokens=("a", "##")).decode([0, 1, 1]) == "a ## ##"


def test_a_word_that_is_unknown_is_refused_without_a_token_for_it():
    with pytest.raises(ValueError, match="'zut' is not in the vocabulary"):
        WordPiece(tokens=("a",)).encode("a zut")


def test_special_names_in_a_text_are_words(ours):
    assert ours.encode("[CLS]") == [ours.ids["["], *ours.encode("CLS"), ours.ids["]"]]
    assert WordPiece(tokens=("eos", "[UNK]"), special=("eos",), unknown="[UNK]").encode("eos") == [1]
    assert ours.encode("[CLS]a[SEP]", special=True) == [0, *ours.encode("a"), 1]
