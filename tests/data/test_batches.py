"""Batches and splits: nothing lost, nothing on both sides, little padding."""

import random
from collections import Counter
from itertools import pairwise

import pytest
import torch

from d2lmini.data import splits
from d2lmini.data.batches import by_length, pad
from d2lmini.data.grammar import sentence_pairs


def dice(seed=0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_pad_by_hand_and_against_pytorch():
    assert pad([[5], [], [6, 7, 8]], value=9).tolist() == [[5, 9, 9], [9, 9, 9], [6, 7, 8]]
    rows = [[random.Random(i).randrange(99) for _ in range(1 + (7 * i) % 13)] for i in range(11)]
    theirs = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=3)
    assert torch.equal(pad(rows, 3), theirs) and pad(rows).dtype == torch.long
    with pytest.raises(ValueError, match=r"rows=\[\] must hold at least one row; give pad the token ids of one text or more"):
        pad([])


def test_each_row_is_in_one_batch_and_only_one_batch_is_smaller():
    lengths = [random.Random(i).randrange(3, 31) for i in range(101)]
    batches = by_length(lengths, 7, dice())
    assert sorted(i for batch in batches for i in batch) == list(range(101))
    assert sorted(map(len, batches)) == [101 % 7] + [7] * (101 // 7)
    assert by_length([], 7, dice()) == []


def test_lengths_in_a_batch_are_the_nearest_there_are():
    lengths = [random.Random(i).randrange(3, 31) for i in range(101)]
    ranges = sorted((min(lengths[i] for i in batch), max(lengths[i] for i in batch)) for batch in by_length(lengths, 7, dice()))
    assert all(before[1] <= after[0] for before, after in pairwise(ranges)), "no two batches overlap"


def test_batches_come_in_another_order_with_other_company_and_the_same_for_a_seed():
    lengths = [5] * 40 + [9] * 40
    one, two, again = (by_length(lengths, 8, dice(seed)) for seed in (0, 1, 0))
    assert one == again != two
    assert {frozenset(batch) for batch in one} != {frozenset(batch) for batch in two}, "rows of one length meet others"
    orders = [[lengths[batch[0]] for batch in by_length(lengths, 8, dice(seed))] for seed in range(5)]
    assert any(order != sorted(order) for order in orders), "short batches do not come first"


def test_it_saves_most_of_the_padding():
    pairs = sentence_pairs(2_000, seed=0)
    lengths = [len(french.split()) for _, french in pairs]

    def wasted(batches):
        cells = sum(len(batch) * max(lengths[i] for i in batch) for batch in batches)
        return 1 - sum(lengths) / cells

    drawn = torch.randperm(2_000, generator=dice()).tolist()
    assert wasted(by_length(lengths, 64, dice())) < 0.1 * wasted([drawn[i : i + 64] for i in range(0, 2_000, 64)])


def test_pairs_of_lengths_and_a_wrong_size():
    lengths = [(4, 9), (4, 2), (3, 5), (4, 8)]
    assert sorted(sorted(batch) for batch in by_length(lengths, 2, dice())) == [[0, 3], [1, 2]]
    with pytest.raises(ValueError, match="size=0 must be at least 1 row a batch; try size=64"):
        by_length([1], 0, dice())


def test_a_random_split_keeps_everything_once():
    items = [f"item {i}" for i in range(103)]
    train, test = splits.random_split(items, 17, seed=0)
    assert len(test) == 17 and Counter(train + test) == Counter(items)
    assert train == [x for x in items if x in set(train)] and test == [x for x in items if x in set(test)], "in their order"
    assert splits.random_split(items, 17, seed=0) == (train, test) != splits.random_split(items, 17, seed=1)
    seen = Counter(x for seed in range(300) for x in splits.random_split(items, 17, seed)[1])
    assert len(seen) == 103 and max(seen.values()) < 90, "each item is drawn about 50 times of 300"


@pytest.mark.parametrize("n_test", [0, -1, 3, 4])
def test_a_side_without_items_is_refused(n_test):
    with pytest.raises(ValueError, match=rf"n_test={n_test} must leave something on both sides of 3 items; try n_test=1"):
        splits.random_split("abc", n_test, seed=0)


def test_what_is_there_twice_is_refused_because_it_could_leak():
    with pytest.raises(ValueError, match=r"items 1 and 3 are the same \('b'\).*keep one: list\(dict.fromkeys\(items\)\)\."):
        splits.random_split(["a", "b", "c", "b"], 1, seed=0)
    pairs = [("cat", "chat"), ("dog", "chien"), ("cat", "minou")]
    splits.random_split(pairs, 1, seed=0)
    with pytest.raises(ValueError, match=r"items 0 and 2 are the same .*, by their key"):
        splits.random_split(pairs, 1, seed=0, key=lambda pair: pair[0])


def test_a_rule_holds_combinations_out():
    train, test = splits.split_where(range(100), lambda n: n // 10 == 7 and n % 2 == 1)
    assert test == [71, 73, 75, 77, 79] and len(train) == 95 and not set(train) & set(test)
    for rule, n in ((lambda n: True, 100), (lambda n: False, 0)):
        with pytest.raises(ValueError, match=rf"held_out picks {n} of 100 items, and both sides need some"):
            splits.split_where(range(100), rule)


def test_a_rule_that_splits_a_key_is_refused():
    pairs = [("cat", "chat"), ("dog", "chien"), ("cat", "minou")]
    with pytest.raises(ValueError, match=r"1 keys are on both sides, such as 'cat'; let held_out look at the key only"):
        splits.split_where(pairs, lambda pair: pair[1] == "minou", key=lambda pair: pair[0])
