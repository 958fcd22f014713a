import re
from collections import Counter

import pytest

from d2lmini.tokenizers import Words
from d2lmini.tokenizers.words import words_and_signs
from tests.tokenizers.samples import CHAPTERS, random_texts


def by_hand(text: str) -> list[str]:
    """The same cuts by a walk along the text."""
    found: list[str] = []
    for i, character in enumerate(text):
        goes_on = character.isalnum() and found and found[-1][-1].isalnum() and i
        begins = character.isalnum() and found and found[-1] in (" ", "-")
        if goes_on or begins:
            found[-1] += character
        else:
            found.append(character)
    return found


def test_cuts_by_hand():
    assert words_and_signs("quatre-vingt-dix") == ["quatre", "-vingt", "-dix"]
    assert words_and_signs("L'été  2024 : a_b -1\n— non!") == [
        *("L", "'", "été", " ", " 2024", " ", ":", " a", "_", "b", " ", "-1", "\n", "—", " non", "!"),
    ]


def test_nothing_is_lost_and_a_walk_gives_the_same():
    for text in [*CHAPTERS, *random_texts(2_000)]:
        words = words_and_signs(text)
        assert "".join(words) == text and words == by_hand(text)


def test_the_most_frequent_first_and_the_rest_unknown():
    text = "le chat, le chien et le chat"
    tokenizer = Words.train([text], 5, special=["<eos>"], unknown="<unk>")
    assert tokenizer.tokens == ("<eos>", "<unk>", " chat", " le", " chien")
    assert tokenizer.split("le chat mord") == ["<unk>", " chat", "<unk>"]
    assert Words.train([text], special=["<eos>"], min_count=2, unknown="<unk>").tokens == ("<eos>", "<unk>", " chat", " le")


def test_counts_of_a_real_text():
    tokenizer = Words.train(CHAPTERS, unknown="<unk>")
    counts = Counter(word for text in CHAPTERS for word in by_hand(text))
    order = [counts[token] for token in tokenizer.tokens[1:]]
    assert set(tokenizer.tokens[1:]) == set(counts) and order == sorted(order, reverse=True)
    assert all(tokenizer.decode(tokenizer.encode(text)) == text for text in CHAPTERS)


def test_without_unknown_a_new_word_is_refused():
    with pytest.raises(ValueError, match="' souris' is not in the vocabulary and this tokenizer has no unknown token"):
        Words.train(["le chat"]).encode("le souris")


def test_a_name_of_a_special_token_is_never_written_by_a_text():
    tokenizer = Words.train(["stop, stop ou encore"], special=["stop"], unknown="encore")
    assert tokenizer.split("stop stop") == ["encore", " stop"]
    assert tokenizer.split("stop stop", special=True) == ["stop", "encore", "stop"], "the space is alone, and was never seen alone"


def test_a_vocabulary_too_small_for_its_special_tokens():
    with pytest.raises(ValueError, match=re.escape("vocab_size=1 must hold the 2 special tokens; try vocab_size=1002.")):
        Words.train(["a"], 1, special=["<eos>"], unknown="<unk>")


def test_saved_and_read_back(tmp_path):
    tokenizer = Words.train(CHAPTERS[:1], 500, unknown="<unk>")
    tokenizer.save(tmp_path / "t.json")
    assert Words.load(tmp_path / "t.json") == tokenizer
