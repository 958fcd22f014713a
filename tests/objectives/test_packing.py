"""Packed texts: whole, apart, and read as if each were alone."""

import random

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from d2lmini import masks
from d2lmini.attention import MultiHeadAttention
from d2lmini.models.llama import Llama, LlamaConfig
from d2lmini.objectives import IGNORE, chunks, next_token, pack, packed_mask, packed_targets

BLOCK = 13


def texts(n=31, seed=0, longest=BLOCK):
    rng = random.Random(seed)
    return [[rng.randrange(3, 17) for _ in range(rng.randint(1, longest))] for _ in range(n)]


def test_first_fit_by_hand():
    packed = pack([[5, 6, 7], [8, 9, 10, 11], [12, 13], [14], [15]], 5, pad=1)
    assert packed.tokens.tolist() == [[5, 6, 7, 12, 13], [8, 9, 10, 11, 14], [15, 1, 1, 1, 1]]
    assert packed.segment.tolist() == [[0, 0, 0, 2, 2], [1, 1, 1, 1, 3], [4, -1, -1, -1, -1]]
    assert packed.position.tolist() == [[0, 1, 2, 0, 1], [0, 1, 2, 3, 0], [0, 0, 0, 0, 0]]
    assert pack([], 5).tokens.shape == (0, 5) and pack([[], [6]], 2).segment.tolist() == [[1, -1]]


def test_every_text_comes_back_whole_and_the_rows_are_full_as_first_fit_fills_them():
    rows = texts(211)
    packed = pack(rows, BLOCK)
    for i, row in enumerate(rows):
        here = packed.segment == i
        assert packed.tokens[here].tolist() == row and packed.position[here].tolist() == list(range(len(row)))
        assert here.any(1).sum() == 1, "in one row"
    assert (packed.segment >= 0).sum() == sum(map(len, rows)) and (packed.tokens[packed.segment < 0] == 0).all()
    used = (packed.segment >= 0).sum(1)
    assert (used <= BLOCK // 2).sum() <= 1, "of two rows half empty, the first had room for the texts of the second"


def test_mask_by_hand():
    def drawn(mask):
        return ["".join("x" if cell else "." for cell in row) for row in mask.tolist()]

    segment = torch.tensor([0, 0, 3, 3, -1, -1])
    assert drawn(packed_mask(segment, False)) == ["xx....", "xx....", "..xx..", "..xx..", "......", "......"]
    assert drawn(packed_mask(segment, True)) == ["x.....", "xx....", "..x...", "..xx..", "......", "......"]
    assert packed_mask(pack(texts(), BLOCK).segment, True).shape[1:] == (BLOCK, BLOCK)


def model():
    torch.manual_seed(0)
    return Llama(LlamaConfig(vocab_size=17, d_model=12, n_head=3, n_layer=2, d_ff=23)).double()


@pytest.mark.parametrize("causal", [False, True])
def test_a_model_with_rotary_positions_reads_each_text_as_if_alone(causal):
    """LLaMA is causal by itself, and its positions are relative: the place in the row doesn't matter."""
    rows, llama = texts(), model()
    packed = pack(rows, BLOCK)
    scores = llama(packed.tokens, packed_mask(packed.segment, causal))
    for i, row in enumerate(rows):
        assert_close(scores[packed.segment == i], llama(torch.tensor([row]))[0], rtol=0, atol=1e-12)
    assert not torch.allclose(scores, llama(packed.tokens)), "without the mask, a text sees the one before"


@pytest.mark.parametrize("causal", [False, True])
def test_attention_with_absolute_positions_too_thanks_to_position(causal):
    torch.manual_seed(0)
    attend = MultiHeadAttention(15, 5).double()
    token, place = nn.Embedding(17, 15).double(), nn.Embedding(BLOCK, 15).double()
    rows = texts()
    packed = pack(rows, BLOCK)
    y = attend(token(packed.tokens) + place(packed.position), mask=packed_mask(packed.segment, causal))
    for i, row in enumerate(rows):
        x = token(torch.tensor(row)) + place(torch.arange(len(row)))
        assert_close(y[packed.segment == i], attend(x, mask=masks.causal(len(row)) if causal else None), rtol=0, atol=1e-12)


def test_no_text_and_no_padding_reaches_another_text():
    packed, llama = pack(texts(), BLOCK), model()
    scores = llama(packed.tokens, packed_mask(packed.segment, True))
    for i in (0, 7, -1):
        changed = torch.where(packed.segment == i, (packed.tokens + 5) % 17, packed.tokens)
        moved = (llama(changed, packed_mask(packed.segment, True)) - scores).abs().amax(-1) > 1e-9
        assert torch.equal(moved, packed.segment == i)


def test_targets_give_each_text_back_and_ask_nothing_across_texts():
    rows = texts()
    packed = pack(rows, BLOCK)
    targets = packed_targets(packed)
    for i, row in enumerate(rows):
        assert targets[packed.segment == i].tolist() == [*row[1:], IGNORE]
    assert (targets[packed.segment < 0] == IGNORE).all()


def test_the_loss_is_that_of_each_text_alone():
    rows, llama = [row for row in texts() if len(row) > 1], model()
    packed = pack(rows, BLOCK)
    scores = llama(packed.tokens, packed_mask(packed.segment, True))
    together = F.cross_entropy(scores.flatten(0, 1), packed_targets(packed).flatten(), reduction="sum")
    pairs = [next_token(torch.tensor([row])) for row in rows]
    alone = sum(F.cross_entropy(llama(inputs)[0], targets[0], reduction="sum") for inputs, targets in pairs)
    assert_close(together, alone, rtol=1e-12, atol=0)


def test_a_stream_in_rows():
    assert chunks([5, 6, 7, 8, 9], 2).tolist() == [[5, 6], [7, 8]]
    stream = list(range(103))
    rows = chunks(stream, 10)
    assert rows.shape == (10, 10) and rows.dtype == torch.long and rows.flatten().tolist() == stream[:100]
    assert chunks(stream, 103).tolist() == [stream]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: pack([[5], [5, 6, 7], [5] * 4], 2),
            "text 1 has 3 tokens, more than block_size=2, and texts are never cut; try block_size=4, or cut it with chunks",
        ),
        (lambda: chunks([5, 6], 3), "block_size=3 must lie between 1 and the 2 tokens of the stream; try block_size=2"),
        (lambda: chunks([5, 6], 0), "block_size=0 must lie between"),
    ],
)
def test_errors_give_value_rule_and_repair(call, message):
    with pytest.raises(ValueError, match=message):
        call()
