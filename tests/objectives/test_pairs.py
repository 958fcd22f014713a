"""Pairs of sentences: half and half, the wrong ones from another document, and joined as BERT joins them."""

import random
from collections import Counter
from itertools import pairwise

import pytest

from d2lmini.objectives import join_pair, next_sentences, sentence_order


def corpus(n_document=101, seed=0):
    """Sentences (document, place), of 0 to 12 a document, so that each tells where it comes from."""
    rng = random.Random(seed)
    return [[(d, s) for s in range(rng.randrange(13))] for d in range(n_document)]


def within(count, n, p, sigmas=5):
    return abs(count - n * p) <= sigmas * (n * p * (1 - p)) ** 0.5


def test_half_of_the_pairs_follow_and_the_others_come_from_another_document():
    documents, rng = corpus(), random.Random(1)
    pairs = [pair for _ in range(40) for pair in next_sentences(documents, rng)]
    assert len(pairs) > 20_000 and within(sum(follows for *_, follows in pairs), len(pairs), 0.5)
    assert all((b == (a[0], a[1] + 1)) if follows else (b[0] != a[0]) for a, b, follows in pairs)


def test_each_sentence_with_a_next_begins_one_pair_in_order():
    documents = corpus()
    assert [a for a, *_ in next_sentences(documents, random.Random(0))] == [a for doc in documents for a in doc[:-1]]
    assert len(sentence_order(documents, random.Random(0))) == sum(max(len(doc) - 1, 0) for doc in documents)


def test_every_other_document_is_as_likely_whatever_its_length_and_so_is_each_of_its_sentences():
    documents = [[("a", s) for s in range(3_001)], [], [("b", 0)], [("c", s) for s in range(7)], [("d", 0), ("d", 1)]]
    rng = random.Random(0)
    wrong = [b for _ in range(5) for a, b, follows in next_sentences(documents, rng) if a[0] == "a" and not follows]
    count = Counter(name for name, _ in wrong)
    assert set(count) == {"b", "c", "d"} and all(within(n, len(wrong), 1 / 3) for n in count.values())
    places = Counter(s for name, s in wrong if name == "c")
    assert set(places) == set(range(7)) and all(within(n, count["c"], 1 / 7) for n in places.values())


def test_order_is_kept_or_swapped_half_and_half():
    documents, rng = corpus(), random.Random(1)
    pairs = [pair for _ in range(40) for pair in sentence_order(documents, rng)]
    assert within(sum(ordered for *_, ordered in pairs), len(pairs), 0.5)
    assert all(a[0] == b[0] and b[1] - a[1] == (1 if ordered else -1) for a, b, ordered in pairs)
    restored = [(a, b) if ordered else (b, a) for a, b, ordered in sentence_order(documents, rng)]
    assert restored == [pair for doc in documents for pair in pairwise(doc)]


def test_a_seed_repeats_and_another_differs():
    for make in (next_sentences, sentence_order):
        one, again, other = (make(corpus(), random.Random(seed)) for seed in (0, 0, 1))
        assert one == again != other


def test_documents_that_make_no_pair_are_refused():
    with pytest.raises(ValueError, match="1 documents have sentences, and b comes from another one half of the time; give 2 or more"):
        next_sentences([["one", "two"], []], random.Random(0))
    for make in (next_sentences, sentence_order):
        with pytest.raises(ValueError, match="none of 2 documents has two sentences, so none has a next; split the texts"):
            make([["one"], ["two"]], random.Random(0))


def test_joined_by_hand():
    assert join_pair([11, 12], [21], 1, 2, 99) == ([1, 11, 12, 2, 21, 2], [0, 0, 0, 0, 1, 1])
    assert join_pair([], [], 1, 2, 5) == ([1, 2, 2], [0, 0, 1])


def test_the_longer_text_is_cut_first_and_the_second_when_they_are_as_long():
    a, b = [11, 12, 13, 14, 15, 16], [21, 22, 23]
    cut = {n: join_pair(a, b, 1, 2, n)[0] for n in (12, 11, 9, 8, 5)}
    assert cut[12] == [1, *a, 2, *b, 2]
    assert cut[11] == [1, *a[:5], 2, *b, 2]
    assert cut[9] == [1, *a[:3], 2, *b, 2]
    assert cut[8] == [1, *a[:3], 2, *b[:2], 2]
    assert cut[5] == [1, 11, 2, 21, 2]
    assert len(a) == 6 and len(b) == 3, "the caller's lists stay whole"


def test_the_length_is_never_passed_and_used_whole():
    for n_a in range(1, 14):
        for n_b in range(1, 14):
            for max_len in range(5, 23):
                row, segment = join_pair([7] * n_a, [8] * n_b, 1, 2, max_len)
                assert len(row) == len(segment) == min(n_a + n_b + 3, max_len)
                assert segment == sorted(segment) and segment.count(1) == row.count(8) + 1


def test_no_room_for_two_texts():
    with pytest.raises(ValueError, match="max_len=4 must be at least 5: three special tokens, and one of each text; try max_len=128"):
        join_pair([11], [21], 1, 2, 4)
