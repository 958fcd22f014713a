"""Pairs of sentences: does the second follow the first (BERT), are the two in order (ALBERT), and how a pair is joined."""

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

Sentence = TypeVar("Sentence")


def next_sentences(documents: Sequence[Sequence[Sentence]], rng: random.Random) -> list[tuple[Sentence, Sentence, bool]]:
    """Next-sentence prediction: (a, b, whether b follows a), one pair for each sentence that has a next (Devlin et al. 2019, §3.1, task 2).

    With probability 1/2, b is the next sentence; otherwise any sentence of another document, each document being
    as likely whatever its length. BERT's code joins several sentences into a and into b; here each is one.
    Raises `ValueError` when fewer than two documents have sentences, or none has two.

    >>> for pair in next_sentences([["It rains.", "We stay in.", "We read."], ["2 + 2 = 4."]], random.Random(0)):
    ...     print(pair)
    ('It rains.', '2 + 2 = 4.', False)
    ('We stay in.', 'We read.', True)
    """
    filled = [document for document in documents if document]
    if len(filled) < 2:
        raise ValueError(f"{len(filled)} documents have sentences, and b comes from another one half of the time; give 2 or more.")
    _check_neighbors(filled)
    pairs = []
    for i, document in enumerate(filled):
        for a, b in pairwise(document):
            follows = rng.random() < 0.5
            if not follows:
                j = rng.randrange(len(filled) - 1)
                b = rng.choice(filled[j + (j >= i)])  # any document but the i-th
            pairs.append((a, b, follows))
    return pairs


def sentence_order(documents: Sequence[Sequence[Sentence]], rng: random.Random) -> list[tuple[Sentence, Sentence, bool]]:
    """Sentence-order prediction: (a, b, whether they are in order), for each two consecutive sentences (Lan et al. 2020, §3.1).

    Both come from one document, so that the topic gives nothing away; half of the pairs are swapped, at random.
    Raises `ValueError` when no document has two sentences.

    >>> sentence_order([["It rains.", "We stay in.", "We read."]], random.Random(1))
    [('It rains.', 'We stay in.', True), ('We read.', 'We stay in.', False)]
    """
    _check_neighbors(documents)
    pairs = []
    for document in documents:
        for a, b in pairwise(document):
            ordered = rng.random() < 0.5
            pairs.append((a, b, True) if ordered else (b, a, False))
    return pairs


def join_pair(a: Sequence[int], b: Sequence[int], cls: int, sep: int, max_len: int) -> tuple[list[int], list[int]]:
    """[CLS] a [SEP] b [SEP], and the segment of each token, 0 up to the first [SEP] and then 1 (Devlin et al. 2019, §3.1 and fig. 2).

    Beyond `max_len` tokens, the longer text loses its last one, again and again, b when they are as long: what BERT's
    code does for fine-tuning (for pretraining it takes from either end at random). Raises `ValueError` when `max_len` is below 5.

    >>> join_pair([11, 12, 13, 14], [21, 22], cls=1, sep=2, max_len=8)
    ([1, 11, 12, 13, 2, 21, 22, 2], [0, 0, 0, 0, 0, 1, 1, 1])
    """
    if max_len < 5:
        raise ValueError(f"max_len={max_len} must be at least 5: three special tokens, and one of each text; try max_len=128.")
    a, b = list(a), list(b)
    while len(a) + len(b) > max_len - 3:
        (a if len(a) > len(b) else b).pop()
    return [cls, *a, sep, *b, sep], [0] * (len(a) + 2) + [1] * (len(b) + 1)


def _check_neighbors(documents: Sequence[Sequence[Sentence]]) -> None:
    if all(len(document) < 2 for document in documents):
        raise ValueError(f"none of {len(documents)} documents has two sentences, so none has a next; split the texts into sentences first.")
