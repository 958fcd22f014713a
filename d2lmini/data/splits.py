"""Training and test sets that share nothing: drawn at random, or by a rule that holds combinations out."""

import random
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

Item = TypeVar("Item", bound=Hashable)
Key = Callable[[Item], Hashable]


def random_split(items: Sequence[Item], n_test: int, seed: int, *, key: Key[Item] | None = None) -> tuple[list[Item], list[Item]]:
    """The training items and `n_test` others, drawn at random; both in the order of `items`.

    `key` says what must not be on both sides, the whole item unless given (`key=lambda pair: pair[0]`: the source
    sentence). Raises `ValueError` when a side would be empty, and when a key is there twice: it could be on both sides.

    >>> random_split("abcdefg", 2, seed=0)
    (['a', 'b', 'c', 'e', 'f'], ['d', 'g'])
    """
    if not 0 < n_test < len(items):
        raise ValueError(
            f"n_test={n_test} must leave something on both sides of {len(items)} items; try n_test={max(len(items) // 10, 1)}."
        )
    first: dict[Hashable, int] = {}
    for i, item in enumerate(items):
        if (j := first.setdefault(key(item) if key else item, i)) != i:
            raise ValueError(
                f"items {j} and {i} are the same ({items[i]!r}) and could be one for training, one for testing; "
                "keep one: list(dict.fromkeys(items))" + (", by their key." if key else ".")
            )
    chosen = set(random.Random(seed).sample(range(len(items)), n_test))
    return [x for i, x in enumerate(items) if i not in chosen], [items[i] for i in sorted(chosen)]


def split_where(items: Sequence[Item], held_out: Callable[[Item], bool], *, key: Key[Item] | None = None) -> tuple[list[Item], list[Item]]:
    """The training items, and those that `held_out` picks: combinations, lengths or books that training never sees.

    Raises `ValueError` when a side is empty, and when a `key` (the whole item unless given) is on both sides.

    >>> split_where(["small cat", "black cat", "small dog"], lambda text: text == "small dog")
    (['small cat', 'black cat'], ['small dog'])
    """
    sides: tuple[list[Item], list[Item]] = ([], [])
    for item in items:
        sides[bool(held_out(item))].append(item)
    train, test = sides
    if not train or not test:
        raise ValueError(f"held_out picks {len(test)} of {len(items)} items, and both sides need some; loosen or tighten the rule.")
    if leaks := {key(x) if key else x for x in train} & {key(x) if key else x for x in test}:
        raise ValueError(f"{len(leaks)} keys are on both sides, such as {min(leaks, key=repr)!r}; let held_out look at the key only.")
    return train, test
