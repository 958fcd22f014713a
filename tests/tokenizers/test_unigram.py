import math
import random
from collections import Counter

import pytest
from tokenizers import Tokenizer as Theirs
from tokenizers import models, pre_tokenizers

from d2lmini.tokenizers import Unigram
from d2lmini.tokenizers.lattice import best_cut, expected_counts
from d2lmini.tokenizers.pretokens import marked_words
from d2lmini.tokenizers.unigram_training import _seeds, em_step, learn_pieces
from tests.tokenizers.samples import CHAPTERS, PYTHON, random_texts

SAMPLE = PYTHON[:20]


@pytest.fixture(scope="module")
def ours():
    return Unigram.train(SAMPLE, 701, special=["<eos>"], unknown="<unk>")


def all_cuts(word, scores):
    """Every way to cut, tried one by one."""
    if not word:
        return [()]
    heads = [word[:end] for end in range(1, len(word) + 1) if word[:end] in scores]
    return [(head, *rest) for head in heads for rest in all_cuts(word[len(head) :], scores)]


def lattices():
    for seed in range(40):
        dice = random.Random(seed)
        pieces = {"".join(dice.choice("abc") for _ in range(dice.randrange(1, 5))): -dice.uniform(0.5, 5) for _ in range(17)}
        yield "".join(dice.choice("abc") for _ in range(11)), pieces | {c: -6.0 - dice.random() for c in "abc" if c not in pieces}


def test_by_hand():
    """ab + c costs 2.5 + 1; a + bc costs 1 + 3.5; a + b + c costs 1 + 2 + 1."""
    assert best_cut("abc", {"a": -1.0, "b": -2.0, "c": -1.0, "ab": -2.5, "bc": -3.5}, 2) == [(0, 2), (2, 3)]
    assert best_cut("ab", {"a": -1.0}, 1) == [] and best_cut("", {}, 1) == []
    assert best_cut("ab", {"a": -1.0}, 1, unknown_score=-9.0) == [(0, 1), (1, 2)]


def test_the_best_way_is_the_best_of_all():
    for word, scores in lattices():
        best = [word[start:end] for start, end in best_cut(word, scores, 4)]
        assert "".join(best) == word
        assert math.isclose(sum(map(scores.get, best)), max(sum(map(scores.get, cut)) for cut in all_cuts(word, scores)), rel_tol=1e-12)


def test_expected_counts_are_those_over_all_the_ways():
    for word, scores in lattices():
        weights = {cut: math.exp(sum(map(scores.get, cut))) for cut in all_cuts(word, scores)}
        total, counts = sum(weights.values()), Counter()
        for cut, weight in weights.items():
            for piece in cut:
                counts[piece] += weight / total
        logarithm, expected = expected_counts(word, scores, 4)
        assert math.isclose(logarithm, math.log(total), rel_tol=1e-12)
        assert expected.keys() == counts.keys() and all(math.isclose(expected[p], counts[p], rel_tol=1e-9) for p in counts)


def test_long_words_stay_within_the_range_of_numbers():
    logarithm, counts = expected_counts("ab" * 400, {"a": -5.0, "b": -5.0}, 1)
    assert math.isclose(logarithm, -4_000) and math.isclose(counts["a"], 400)
    assert expected_counts("ab", {"a": -5.0}, 1) == (-math.inf, {})


def test_same_ids_as_the_library_with_the_same_scores(ours):
    theirs = Theirs(models.Unigram(list(zip(ours.tokens, ours.scores, strict=True)), unk_id=ours.ids["<unk>"], byte_fallback=False))
    theirs.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), pre_tokenizers.Split("\n", "isolated")])
    for text in [*CHAPTERS[:3], *PYTHON[:60], *random_texts(1_000)]:
        if not text.startswith((" ", "▁")):
            assert ours.encode(text) == theirs.encode(text).ids


def test_the_unknown_costs_more_than_the_rarest_piece():
    """xy z costs 21; an unknown x and yz would cost 20.5 without the penalty, and 30.5 with it."""
    ours = Unigram(tokens=("<unk>", "▁", "xy", "z", "yz"), scores=(0.0, -1.0, -20.0, -1.0, -0.5), unknown="<unk>")
    assert ours.split("xyz") == ["▁", "xy", "z"]


def test_round_trip_on_the_characters_it_knows(ours):
    for text in [*SAMPLE, "", " ", "  a  ", "\n a"]:
        assert ours.decode(ours.encode(text)) == text
        assert "".join(ours.stream(ours.encode(text))) == text


def test_a_step_of_em_by_hand():
    """Three times ab and once a: a is seen 4 times of 7, at 3 log ½² + log ½."""
    scores, likelihood = em_step({"ab": 3, "a": 1}, {"a": math.log(0.5), "b": math.log(0.5)})
    assert math.isclose(math.exp(scores["a"]), 4 / 7) and math.isclose(likelihood, 7 * math.log(0.5))


def test_each_step_of_em_raises_the_likelihood():
    seen = Counter(word for text in PYTHON[:10] for word in marked_words(text))
    scores, before = _seeds(seen, 500, ()), -math.inf
    for _ in range(5):
        scores, likelihood = em_step(seen, scores)
        assert likelihood > before
        assert math.isclose(sum(map(math.exp, scores.values())), 1)
        before = likelihood


def test_what_is_learned_writes_the_text_shorter_and_never_loses_a_character(ours):
    text = "\n".join(SAMPLE)
    assert len(ours) == 701 and len(ours.encode(text)) < 0.45 * len(text)
    assert {c for word in marked_words(text) for c in word} <= set(ours.tokens)
    assert list(ours.scores[2:]) == sorted(ours.scores[2:], reverse=True)


def test_dropping_keeps_what_has_no_cheap_replacement():
    assert "▁low" in learn_pieces(["▁low", "▁lower", "▁new", "▁newer"] * 5, 9)
    assert "▁low" not in learn_pieces(["▁low"] * 5, 9, forbidden=["▁low"])


def test_errors_give_value_rule_and_repair():
    with pytest.raises(ValueError, match="n_pieces=2 must leave room for the 3 characters of the text; try 6"):
        learn_pieces(["abc"], 2)
    with pytest.raises(ValueError, match="1 scores must be one for each of the 2 tokens; give 0 to special ones"):
        Unigram(tokens=("a", "b"), scores=(0.0,))
    with pytest.raises(ValueError, match="'z' is not in the vocabulary"):
        Unigram(tokens=("▁", "a"), scores=(-1.0, -1.0)).encode("az")
