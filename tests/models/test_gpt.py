"""GPT: scores and gradients of Hugging Face's, first and second; local layers; causality; a cache."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from d2lmini import interop
from d2lmini.decoding import Cached, Rereading
from d2lmini.models.gpt import GPT, GPTConfig
from tests.interop.theirs import VOCAB, assert_same, gpt, texts


def small(seed=0, **other):
    torch.manual_seed(seed)
    sizes = {"vocab_size": 13, "d_model": 6, "n_head": 3, "n_layer": 4, "d_ff": 11, "n_position": 97}
    model = GPT(GPTConfig(**sizes | other)).double().eval()
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.5)
    return model


@pytest.mark.parametrize("name", ["GPT2LMHeadModel", "OpenAIGPTLMHeadModel"])
@pytest.mark.parametrize("seed", range(6))
def test_equals_hugging_face(name, seed):
    theirs = gpt(name, seed)
    ours = interop.from_huggingface(theirs)
    tokens, mask, ones = texts(seed, 13, [13, 5, 8])
    assert_same(ours, theirs, (ours(tokens, mask), theirs(tokens, attention_mask=ones).logits))
    assert ours.config.pre_norm == (name == "GPT2LMHeadModel")


@pytest.mark.parametrize("window", [1, 2, 5, 13, 20])
def test_local_layers_equal_blocks_of_hugging_face_under_masks_made_by_hand(window):
    theirs = gpt(seed=4, n_layer=5)
    ours = GPT(replace(interop.from_huggingface(theirs).config, window=window)).double().eval()
    ours.load_state_dict(interop.from_huggingface(theirs).state_dict())
    T, body = 13, theirs.transformer
    tokens = torch.randint(VOCAB, (2, T))
    x = body.wte(tokens) + body.wpe(torch.arange(T))
    for layer, block in enumerate(body.h):
        hidden = [[j > i or (layer % 2 == 1 and j <= i - window) for j in range(T)] for i in range(T)]
        x = block(x, attention_mask=torch.zeros(1, 1, T, T, dtype=torch.float64).masked_fill(torch.tensor(hidden), -torch.inf))
    assert_close(ours(tokens), theirs.lm_head(body.ln_f(x)), rtol=0, atol=1e-9)
    whole = (ours(tokens) - theirs(tokens).logits).abs().amax(dim=(0, 2)) < 1e-9
    assert whole.tolist() == [i < window for i in range(T)], "as long as the window holds everything, it changes nothing"


@pytest.mark.parametrize("pre_norm", [True, False])
@pytest.mark.parametrize("window", [None, 1, 5])
def test_a_cache_changes_nothing(pre_norm, window):
    model, text = small(pre_norm=pre_norm, window=window), torch.randint(13, (3, 83))
    expected = model(text)
    for reader in (Rereading(model), Cached(model)):
        for first, last in ((0, 5), (5, 6), (6, 7), (7, 70), (70, 83)):
            assert_close(reader.read(text[:, first:last]), expected[:, last - 1], rtol=0, atol=1e-11)


@pytest.mark.parametrize("other", [{}, {"pre_norm": False}, {"window": 3}])
def test_the_future_does_not_move_the_past(other):
    model, text = small(**other), torch.randint(13, (1, 7))
    changed = text.clone()
    changed[0, 4] = (changed[0, 4] + 1) % 13
    moved = (model(text) - model(changed)).abs().amax(dim=-1)[0] > 1e-9
    assert moved.tolist() == [False] * 4 + [True] * 3


def test_a_single_local_layer_forgets():
    """Layer 0 sees all, so only the second layer alone shows it: a token that attends to itself everywhere but there."""
    model = small(n_layer=2, window=3)
    with torch.no_grad():
        model.blocks[0].attend.out.weight.zero_()  # the whole past has no way in
    text = torch.randint(13, (1, 11))
    changed = text.clone()
    changed[0, 4] = (changed[0, 4] + 1) % 13
    moved = (model(text) - model(changed)).abs().amax(dim=-1)[0] > 1e-9
    assert moved.tolist() == [i in (4, 5, 6) for i in range(11)]


def test_without_layers_it_compares_a_norm_with_the_table():
    """(1, 0) + (0, 3) → LayerNorm (−1, 1); the tokens (1, 0) and (2, 5) score −1 and 3."""
    model = small(vocab_size=2, d_model=2, n_head=1, n_layer=0)
    with torch.no_grad():
        model.embedding.weight.copy_(torch.tensor([[1.0, 0.0], [2.0, 5.0]]))
        model.positions.table[0] = torch.tensor([0.0, 3.0])
        model.norm.weight.fill_(1.0)
        model.norm.bias.zero_()
    assert_close(model(torch.tensor([[0]]))[0, 0], torch.tensor([-1.0, 3.0], dtype=torch.float64), rtol=0, atol=1e-4)  # ε of the norm


def test_what_writes_into_the_stream_starts_smaller():
    """0.02 / √(2 · 8) = 0.005."""
    torch.manual_seed(0)
    sizes = {"vocab_size": 13, "d_model": 42, "n_head": 3, "n_layer": 8, "d_ff": 83, "n_position": 7}
    for scaled, expected in ((True, 0.005), (False, 0.02)):
        model = GPT(GPTConfig(**sizes, scaled_init=scaled))
        for block in model.blocks:
            assert block.attend.out.weight.std().item() == pytest.approx(expected, rel=0.1)
            assert block.feed_forward.narrow.weight.std().item() == pytest.approx(expected, rel=0.1)
            assert block.feed_forward.wide.weight.std().item() == pytest.approx(0.02, rel=0.1)
            assert block.attend.out.bias.abs().max() == 0


def test_a_text_that_is_too_long_is_refused_with_a_cache_too():
    reader = Cached(small())
    reader.read(torch.zeros(1, 90, dtype=torch.long))
    with pytest.raises(ValueError, match="position 97 must be below n_position=97: nothing was learned there; shorten the text"):
        reader.read(torch.zeros(1, 8, dtype=torch.long))
