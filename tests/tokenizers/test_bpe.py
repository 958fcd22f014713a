import random
from collections import Counter

import pytest
from tokenizers import Tokenizer as Theirs
from tokenizers import models, pre_tokenizers, trainers

from d2lmini.tokenizers import BPE, bpe
from d2lmini.tokenizers.bpe_training import learn_merges
from tests.tokenizers.samples import CHAPTERS, PYTHON, random_texts
from tests.tokenizers.test_pretokens import PUBLISHED


def recount(words, vocab_size, min_count=1):
    """The definition: count all pairs again after every merge."""
    tokens = sorted({c for word in words for c in word})
    spelled, merges = {word: list(word) for word in words}, []
    while len(tokens) < vocab_size:
        counts = Counter()
        for word, seen in words.items():
            for pair in zip(spelled[word], spelled[word][1:], strict=False):
                counts[pair] += seen
        if not counts or max(counts.values()) < min_count:
            break
        best = min(counts, key=lambda pair: (-counts[pair], tokens.index(pair[0]), tokens.index(pair[1])))
        merges.append(best)
        if "".join(best) not in tokens:
            tokens.append("".join(best))
        for symbols in spelled.values():
            for i, _ in enumerate(symbols):
                if tuple(symbols[i : i + 2]) == best:
                    symbols[i : i + 2] = ["".join(best)]
    return tuple(tokens), tuple(merges)


def test_by_hand():
    """The ug of hug, pug, hugs: 10 + 5 + 5 = 20; un: 12 + 4 = 16; then h ug: 15 and p un: 12."""
    tokens, merges = learn_merges({"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}, 11)
    assert merges == (("u", "g"), ("u", "n"), ("h", "ug"), ("p", "un"))
    assert tokens == ("b", "g", "h", "n", "p", "s", "u", "ug", "un", "hug", "pun")


def test_ties_go_to_the_smallest_numbers_and_overlaps_are_merged_from_the_left():
    assert learn_merges({"cd": 3, "ab": 3}, 6)[1] == (("a", "b"), ("c", "d"))
    assert BPE(tokens=("a", "aa"), merges=(("a", "a"),)).split("aaaaa") == ["aa", "aa", "a"]


@pytest.mark.parametrize("seed", range(60))
def test_corrected_counts_are_those_of_counting_again(seed):
    """Words of two or three letters: pairs overlap, and vanish before they are merged."""
    dice = random.Random(seed)
    words = {
        "".join(dice.choice("ab" if seed % 2 else "abc") for _ in range(dice.randrange(1, 14))): dice.randrange(1, 9) for _ in range(23)
    }
    for min_count in (1, 7):
        assert learn_merges(words, 61, min_count=min_count) == recount(words, 61, min_count)


@pytest.fixture(scope="module")
def both():
    """Ours and theirs, trained on the chapters."""
    theirs = Theirs(models.BPE(unk_token="<unk>"))
    theirs.pre_tokenizer = pre_tokenizers.Split(PUBLISHED, "isolated")
    options = {"vocab_size": 2_003, "special_tokens": ["<eos>", "<unk>"], "min_frequency": 3, "show_progress": False}
    theirs.train_from_iterator(CHAPTERS, trainers.BpeTrainer(**options))
    return BPE.train(CHAPTERS, 2_003, special=["<eos>"], unknown="<unk>", min_count=3), theirs


def test_same_vocabulary_and_ids_as_the_library(both):
    ours, theirs = both
    assert ours.ids == theirs.get_vocab()
    for text in [*CHAPTERS, *PYTHON, *random_texts(2_000)]:
        assert ours.encode(text) == theirs.encode(text).ids


def test_round_trip(both):
    assert all(both[0].decode(both[0].encode(text)) == text for text in CHAPTERS)
    assert both[0].decode(both[0].encode("a\U0001f9ffb")) == "a<unk>b"


def test_a_text_cannot_write_a_special_token():
    ours = BPE.train(["eos eos eos"], 20, special=["eos"])
    assert "eos" not in {a + b for a, b in ours.merges} and ours.split("eos") == ["eo", "s"]
    assert ours.encode("eos", special=True) == [ours.ids["eos"]]
    assert BPE.train(["a_"], 4, special=["_"], unknown="<unk>").split("a_") == ["a", "<unk>"]


def test_joined_characters_cannot_write_a_piece_with_its_prefix():
    """Begun by the signs of the prefix, the word would become the piece `##a`, which is no word."""
    tokens, merges = learn_merges({"##a": 9, "ba": 3}, 99, prefix="##")
    assert len(set(tokens)) == len(tokens) and ("##", "##a") not in merges and ("b", "##a") in merges


def test_the_cache_stays_small_and_gives_no_key_away(monkeypatch):
    monkeypatch.setattr(bpe, "CACHED", 3)
    ours = BPE.train(["to be or not to be"], 30, min_count=1)
    first = ours.encode("to")
    first.append(-1)
    assert ours.encode("to") == first[:-1]
    ours.encode("to be or not to be")
    assert len(ours._cache) <= 3


def test_errors_give_value_rule_and_repair():
    with pytest.raises(ValueError, match=r"vocab_size=2 must leave room for the 3 special tokens and characters; try 6"):
        learn_merges({"ab": 1}, 2, special=["<eos>"])
    with pytest.raises(ValueError, match=r"merge \('a', 'b'\) must join two tokens into a third; add 'ab'"):
        BPE(tokens=("a", "b"), merges=(("a", "b"),))
    with pytest.raises(ValueError, match=r"'z' is not in the vocabulary and this tokenizer has no unknown token.*ByteBPE"):
        BPE.train(["ab"], 3).encode("z")
