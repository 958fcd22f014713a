"""Span corruption: the paper's picture by hand, ten thousand texts put together again, and all choices equally likely."""

import random
from collections import Counter
from itertools import groupby, product

import pytest

from d2lmini.objectives import corrupt_at, corrupt_spans, restore_spans

SENTINELS = list(range(999, 899, -1))  # as in T5, from the end of the vocabulary down


def words_of(text, vocabulary):
    return [vocabulary.setdefault(word, len(vocabulary)) for word in text.split()]


@pytest.mark.parametrize(
    ("text", "spans", "inputs", "target"),
    [
        ("I love this red car", [(1, 2), (3, 5)], "I <X> this <Y>", "<X> love <Y> red car <Z>"),
        (
            "Thank you for inviting me to your party last week .",  # Raffel et al. 2020, fig. 2
            [(2, 4), (8, 9)],
            "Thank you <X> me to your party <Y> week .",
            "<X> for inviting <Y> last <Z>",
        ),
        ("I love this red car", [(0, 1)], "<X> love this red car", "<X> I <Y>"),
        ("I love this red car", [(0, 5)], "<X>", "<X> I love this red car <Y>"),
        ("I love this red car", [], "I love this red car", "<X>"),
    ],
)
def test_pictures(text, spans, inputs, target):
    vocabulary = {"<X>": 0, "<Y>": 1, "<Z>": 2}
    ids = words_of(text, vocabulary)
    made = corrupt_at(ids, spans, [0, 1, 2])
    assert made == (words_of(inputs, vocabulary), words_of(target, vocabulary))
    assert restore_spans(*made, [0, 1, 2]) == ids


def test_ten_thousand_texts_are_restored_at_the_rate_and_the_mean_length_asked_for():
    rng = random.Random(0)
    n_token = n_dropped = n_span = 0
    for _ in range(10_000):
        text = [rng.randrange(17) for _ in range(rng.randint(2, 199))]
        inputs, target = corrupt_spans(text, rng, sentinels=SENTINELS)
        assert restore_spans(inputs, target, SENTINELS) == text
        spans = sum(token >= 900 for token in inputs)
        assert len(inputs) + len(target) == len(text) + 2 * spans + 1
        n_token, n_dropped, n_span = n_token + len(text), n_dropped + len(target) - spans - 1, n_span + spans
    assert abs(n_dropped / n_token - 0.15) < 0.001
    assert abs(n_dropped / n_span - 3) < 0.05


@pytest.mark.parametrize(
    ("n", "rate", "mean", "dropped", "spans"),
    [
        (100, 0.15, 3.0, 15, 5),
        (11, 0.15, 3.0, 2, 1),  # 1.65 tokens, 2/3 of a span
        (2, 0.15, 3.0, 1, 1),  # at least one goes
        (2, 0.9, 3.0, 1, 1),  # and one stays
        (101, 0.5, 10.0, 50, 5),  # 50.5 is rounded to even, as NumPy's and TensorFlow's round do
        (20, 0.9, 1.0, 18, 2),  # 18 spans need as many kept tokens, and there are 2
    ],
)
def test_how_many_tokens_and_spans(n, rate, mean, dropped, spans):
    for seed in range(20):
        inputs, target = corrupt_spans(range(n), random.Random(seed), sentinels=SENTINELS, rate=rate, mean_length=mean)
        assert len(inputs) == n - dropped + spans and len(target) == dropped + spans + 1


@pytest.mark.parametrize(("n", "rate", "mean", "dropped", "spans"), [(11, 0.4, 2.0, 4, 2), (13, 0.4, 1.6, 5, 3), (7, 0.7, 2.5, 5, 2)])
def test_all_choices_that_begin_with_a_kept_token_and_end_with_a_dropped_one_are_equally_likely(n, rate, mean, dropped, spans):
    def counts(choice):
        return sum(choice) == dropped and sum(gone for gone, _ in groupby(choice)) == spans

    possible = {choice for choice in product([False, True], repeat=n) if counts(choice) and not choice[0] and choice[-1]}
    rng, draws = random.Random(0), 20_000
    seen = Counter()
    for _ in range(draws):
        inputs, _ = corrupt_spans(range(n), rng, sentinels=SENTINELS, rate=rate, mean_length=mean)
        seen[tuple(token not in inputs for token in range(n))] += 1
    assert set(seen) == possible
    p = 1 / len(possible)
    assert all(abs(count - draws * p) < 5 * (draws * p * (1 - p)) ** 0.5 for count in seen.values())


def test_a_seed_repeats():
    one, again, other = (corrupt_spans(range(97), random.Random(seed), sentinels=SENTINELS) for seed in (0, 0, 1))
    assert one == again != other


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: corrupt_spans([5], random.Random(0), sentinels=[8, 9]), "a text of 1 tokens is too short: one token must stay"),
        (
            lambda: corrupt_spans([5, 6], random.Random(0), sentinels=[8, 9], rate=1.0),
            r"rate=1\.0 must lie between 0 and 1.*try rate=0\.15",
        ),
        (lambda: corrupt_spans([5, 6], random.Random(0), sentinels=[8, 9], mean_length=0.5), r"mean_length=0\.5 must be at least 1"),
        (lambda: corrupt_spans([5, 6], random.Random(0), sentinels=[9]), "1 sentinels are too few: 1 spans and the end need 2; add some"),
        (lambda: corrupt_at([5, 6], [(0, 1)], [9, 9]), r"sentinels=\[9, 9\] must differ from one another"),
        (lambda: corrupt_at([5, 9, 6], [(0, 1)], [8, 9]), "token 9 is in the text and also a sentinel.*reserve other sentinels"),
        (lambda: corrupt_at([5, 6], [(1, 1)], [8, 9]), r"span \(1, 1\) must hold a token, stay within 2"),
        (lambda: corrupt_at([5, 6], [(1, 3)], [8, 9]), r"span \(1, 3\) must hold a token, stay within 2"),
        (lambda: corrupt_at([5, 6], [(-1, 1)], [8, 9]), r"span \(-1, 1\) must hold"),
        (
            lambda: corrupt_at([5, 6, 7], [(0, 1), (1, 2)], [1, 2, 3]),
            r"\(1, 2\).*not touch the one before, which ends at 1; sort the spans and merge",
        ),
        (lambda: corrupt_at([5, 6, 7], [(2, 3), (0, 1)], [1, 2, 3]), r"span \(0, 1\)"),
    ],
)
def test_errors_give_value_rule_and_repair(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_an_empty_span_that_a_model_wrote_is_restored_as_nothing():
    assert restore_spans([1, 97, 3, 98], [97, 98, 4, 99], [97, 98, 99]) == [1, 3, 4]


@pytest.mark.parametrize(
    "target",
    [
        [],
        [97, 2, 98, 4],
        [97, 2, 98, 4, 99, 5],
        [2, 97, 98, 4, 99],
        [98, 2, 97, 4, 99],
        [97, 2, 99],
        [97, 2, 98, 4, 98, 99],
        [97, 2, 99, 98],
    ],
)
def test_a_target_that_does_not_fit_is_refused(target):
    with pytest.raises(
        ValueError, match=r"does not fit the input: it must begin with 97, have sentinels \[97, 98, 99\] in this order and end with 99"
    ):
        restore_spans([1, 97, 3, 98], target, [97, 98, 99])


def test_spans_told_in_another_order_are_refused():
    sentinels, inputs = [96, 97, 98, 99], [1, 96, 3, 97, 5, 98]
    assert restore_spans(inputs, [96, 2, 97, 4, 98, 6, 99], sentinels) == [1, 2, 3, 4, 5, 6]
    with pytest.raises(ValueError, match=r"target \[96, 2, 98, 6, 97, 4, 99\] does not fit the input"):
        restore_spans(inputs, [96, 2, 98, 6, 97, 4, 99], sentinels)


def test_an_input_of_other_sentinels_is_refused():
    with pytest.raises(
        ValueError, match=r"the input has sentinels \[98, 97\], but they are used in the order \[97, 98\]; give the sentinels"
    ):
        restore_spans([1, 98, 3, 97], [97, 2, 98, 4, 99], [97, 98, 99])
    with pytest.raises(ValueError, match="2 sentinels are too few: 2 spans and the end need 3"):
        restore_spans([1, 97, 3, 98], [97, 2, 98, 4], [97, 98])
