"""Masked tokens: the shares that BERT asks for, Hugging Face's too, whole words, and nothing special ever touched."""

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerFast

from d2lmini.objectives import IGNORE, mask_tokens, whole_words
from d2lmini.tokenizers import WordPiece

V, MASK, SPECIAL = 1_009, 4, {0, 1, 2, 3}
NAMES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def dice(seed=0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def texts(rows=2_003, n=131, v=V) -> torch.Tensor:
    """Rows that begin with [CLS] and end with [SEP]; the sizes give 258,387 tokens that may be chosen."""
    tokens = torch.randint(MASK + 1, v, (rows, n), generator=dice(7))
    tokens[:, 0], tokens[:, -1] = 2, 3
    return tokens


def fates(tokens, inputs, targets) -> dict[str, int]:
    chosen = targets != IGNORE
    same, hidden = inputs == tokens, inputs == MASK
    return {
        "chosen": int(chosen.sum()),
        "masked": int((chosen & hidden).sum()),
        "random": int((chosen & ~hidden & ~same).sum()),
        "kept": int((chosen & same).sum()),
    }


def within(count, n, p, sigmas=5):
    return abs(count - n * p) <= sigmas * (n * p * (1 - p)) ** 0.5


@pytest.mark.parametrize(("rate", "masked", "random"), [(0.15, 0.8, 0.1), (0.4, 0.5, 0.3), (0.3, 1.0, 0.0)])
def test_the_shares_are_those_asked_for(rate, masked, random):
    tokens = texts()
    n = tokens[:, 1:-1].numel()
    assert n >= 200_000
    inputs, targets = mask_tokens(tokens, dice(), vocab_size=V, mask_id=MASK, special=SPECIAL, rate=rate, masked=masked, random=random)
    found = fates(tokens, inputs, targets)
    again = 1 / (V - 5)  # a token drawn at random is the old one once in 1,004
    shares = {"chosen": 1, "masked": masked, "random": random * (1 - again), "kept": 1 - masked - random * (1 - again)}
    assert all(within(found[name], n, rate * share) for name, share in shares.items()), found
    by_place = (targets[:, 1:-1] != IGNORE).sum(0)
    assert all(within(int(count), len(tokens), rate) for count in by_place), "every place alike"


def test_the_same_rates_as_hugging_face():
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(WordLevel({**{name: i for i, name in enumerate(NAMES)}, **{f"w{i}": i for i in range(5, V)}})),
        pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]",
    )  # fmt: skip
    assert len(tokenizer) == V and set(tokenizer.all_special_ids) == {*SPECIAL, MASK}
    tokens = texts()
    n = tokens[:, 1:-1].numel()
    batch = DataCollatorForLanguageModeling(tokenizer, seed=0)([{"input_ids": row} for row in tokens])
    theirs = fates(tokens, batch["input_ids"], batch["labels"])
    ours = fates(tokens, *mask_tokens(tokens, dice(), vocab_size=V, mask_id=MASK, special=SPECIAL))
    for name in ours:
        p = (ours[name] + theirs[name]) / (2 * n)
        assert abs(ours[name] - theirs[name]) < 5 * (2 * n * p * (1 - p)) ** 0.5, (name, ours, theirs)


def test_what_is_not_chosen_is_left_alone_and_targets_give_the_text_back():
    tokens = texts(53, 17)
    before = tokens.clone()
    inputs, targets = mask_tokens(tokens, dice(), vocab_size=V, mask_id=MASK, special=SPECIAL)
    assert torch.equal(tokens, before), "the caller's tokens are not written to"
    chosen = targets != IGNORE
    assert torch.equal(inputs[~chosen], tokens[~chosen])
    assert torch.equal(torch.where(chosen, targets, inputs), tokens)


def test_nothing_special_is_chosen_nor_drawn_and_all_the_rest_is_drawn_alike():
    tokens = torch.randint(0, 29, (1_009, 97), generator=dice(1))  # special tokens, masks among them, at every place
    inputs, targets = mask_tokens(tokens, dice(), vocab_size=29, mask_id=MASK, special=SPECIAL, rate=1.0, masked=0.0, random=1.0)
    special = tokens <= MASK
    assert (targets[special] == IGNORE).all() and torch.equal(inputs[special], tokens[special])
    assert torch.equal(targets[~special], tokens[~special])
    drawn = inputs[~special].bincount(minlength=29)
    assert drawn[:5].sum() == 0 and all(within(int(count), int(drawn.sum()), 1 / 24) for count in drawn[5:])


def test_rate_zero_and_rate_one():
    tokens = texts(3, 11)
    inputs, targets = mask_tokens(tokens, dice(), vocab_size=V, mask_id=MASK, special=SPECIAL, rate=0.0)
    assert torch.equal(inputs, tokens) and (targets == IGNORE).all()
    inputs, targets = mask_tokens(tokens, dice(), vocab_size=V, mask_id=MASK, special=SPECIAL, rate=1.0, masked=1.0, random=0.0)
    assert (inputs[:, 1:-1] == MASK).all() and torch.equal(targets[:, 1:-1], tokens[:, 1:-1])


def test_dynamic_masks_change_static_ones_are_made_once_and_a_seed_repeats():
    tokens, generator = texts(13, 31), dice()

    def mask(rows, generator):
        return mask_tokens(rows, generator, vocab_size=V, mask_id=MASK, special=SPECIAL)[0]

    first, second = mask(tokens, generator), mask(tokens, generator)
    assert not torch.equal(first, second) and torch.equal(first, mask(tokens, dice()))
    copies = mask(tokens.expand(10, *tokens.shape), dice())
    assert copies.shape == (10, 13, 31)
    assert len({tuple(copy.flatten().tolist()) for copy in copies}) == 10, "ten masks of the same data"


def test_words_by_hand_and_on_our_tokenizer():
    assert whole_words(["un", "##aff", "##able", "cat", "!", "cat", "##s"]) == [0, 0, 0, 1, 2, 3, 3]
    assert whole_words(["##s", "##s", "cat"]) == [0, 0, 1], "a text cut inside a word begins with what is left of it"
    assert whole_words([]) == [] and whole_words(["a", "@@b"], prefix="@@") == [0, 0]
    tokenizer = WordPiece(tokens=("[UNK]", "un", "##aff", "##able", "!"), unknown="[UNK]")
    assert whole_words(tokenizer.split("unaffable! unaffable")) == [0, 0, 0, 1, 2, 2, 2]


def test_a_word_has_one_fate_and_the_shares_stay():
    n_word, rows = 41, 4_001
    lengths = torch.tensor([1, 2, 3] * 13 + [1, 2])  # pieces of each of the 41 words
    words = torch.arange(n_word).repeat_interleave(lengths)
    tokens = torch.randint(5, V, (rows, len(words)), generator=dice(3))
    inputs, targets = mask_tokens(tokens, dice(), vocab_size=V, mask_id=MASK, special=SPECIAL, words=words)
    chosen, hidden = targets != IGNORE, inputs == MASK
    starts = lengths.cumsum(0) - lengths
    assert torch.equal(chosen, chosen[:, starts][:, words]) and torch.equal(hidden, hidden[:, starts][:, words])
    n = rows * n_word  # words, which are what is drawn
    assert within(int(chosen[:, starts].sum()), n, 0.15) and within(int(hidden[:, starts].sum()), n, 0.12)
    changed = (inputs != tokens) & ~hidden
    assert within(int(changed[:, starts].sum()), n, 0.015 * 1_003 / 1_004)
    triple = starts[lengths == 3]
    assert (inputs[:, triple] != inputs[:, triple + 1])[changed[:, triple]].float().mean() > 0.99, "each piece gets a token of its own"


def test_words_of_each_row_and_of_special_tokens():
    tokens = torch.tensor([[2, 11, 12, 13, 3], [2, 11, 12, 13, 3]])
    words = torch.tensor([[0, 1, 1, 1, 1], [0, 1, 2, 2, 3]])
    for seed in range(50):
        _, targets = mask_tokens(tokens, dice(seed), vocab_size=V, mask_id=MASK, special=SPECIAL, rate=0.5, words=words)
        chosen = targets != IGNORE
        assert not chosen[:, [0, -1]].any(), "not even as a piece of a chosen word"
        assert chosen[0, 1] == chosen[0, 2] == chosen[0, 3] and chosen[1, 2] == chosen[1, 3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": 1.5}, r"rate=1\.5 must lie between 0 and 1; try rate=0\.15"),
        (
            {"masked": 0.8, "random": 0.3},
            r"masked=0\.8 and random=0\.3 must be shares whose sum is at most 1; try masked=0\.8, random=0\.1",
        ),
        ({"random": -0.1}, r"random=-0\.1 must be shares"),
        ({"vocab_size": 12}, "token 12 must lie between 0 and vocab_size - 1 = 11; give the tokenizer's numbers and size"),
        ({"mask_id": 1_009}, "special token 1009 must lie between 0 and vocab_size - 1 = 1008"),
        ({"special": {-1}}, "special token -1 must lie between 0"),
        ({"special": range(V)}, "all vocab_size=1009 tokens are special and none can be masked; leave some out of special"),
        ({"words": torch.tensor([5, 6, 7])}, r"words=5…7 must lie between 0 and T - 1 = 2; number the words of each row from 0"),
        ({"words": torch.tensor([1, 2, 3])}, r"words=1…3 must lie between 0 and T - 1 = 2"),
        ({"words": torch.tensor([-1, 0, 0])}, r"words=-1…0 must lie between"),
    ],
)
def test_errors_give_value_rule_and_repair(change, message):
    settings = {"vocab_size": V, "mask_id": MASK, "special": SPECIAL} | change
    with pytest.raises(ValueError, match=message):
        mask_tokens(torch.tensor([[10, 11, 12]]), dice(), **settings)
