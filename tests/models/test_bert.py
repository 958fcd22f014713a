"""BERT: vectors, scores and gradients of Hugging Face's; sees both sides, and no padding."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from d2lmini import interop, masks
from d2lmini.models.bert import Bert, BertConfig, BertPretraining
from tests.interop.theirs import assert_same, bert, texts


def small(**other):
    torch.manual_seed(0)
    sizes = {"vocab_size": 13, "d_model": 6, "n_head": 3, "n_layer": 2, "d_ff": 11, "n_position": 7}
    model = Bert(BertConfig(**sizes | other)).double().eval()
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.5)
    return model


@pytest.mark.parametrize("seed", range(6))
def test_equals_hugging_face(seed):
    theirs = bert("BertModel", seed)
    ours = interop.from_huggingface(theirs)
    tokens, mask, ones = texts(seed, 11, [11, 3, 7])
    segments = torch.randint(theirs.config.type_vocab_size, tokens.shape)
    expected = theirs(tokens, attention_mask=ones, token_type_ids=segments)
    x = ours(tokens, segments, mask)
    assert_same(ours, theirs, (x, expected.last_hidden_state), (ours.whole(x), expected.pooler_output))


@pytest.mark.parametrize("seed", range(6))
def test_both_exercises_of_pretraining_equal_hugging_face(seed):
    theirs = bert("BertForPreTraining", seed)
    ours = interop.from_huggingface(theirs)
    tokens, mask, ones = texts(seed, 13, [5, 13, 1, 8])
    segments = torch.randint(2, tokens.shape)
    expected = theirs(tokens, attention_mask=ones, token_type_ids=segments)
    words, follows = ours(tokens, segments, mask)
    assert_same(ours, theirs, (words, expected.prediction_logits), (follows, expected.seq_relationship_logits))


def test_without_layers_it_is_the_norm_of_three_vectors():
    """Token 3 at place 1 in segment 1: LayerNorm((1, 0) + (0, 3) + (1, 0)) = (2 − 2.5, 3 − 2.5) / 0.5 = (−1, 1)."""
    model = small(d_model=2, n_head=1, n_layer=0).double()
    with torch.no_grad():
        model.embedding.weight[3] = torch.tensor([1.0, 0.0])
        model.positions.table[1] = torch.tensor([0.0, 3.0])
        model.segments.weight[1] = torch.tensor([1.0, 0.0])
        model.norm.weight.fill_(1.0)
        model.norm.bias.zero_()
    found = model(torch.tensor([[5, 3]]), torch.tensor([[0, 1]]))[0, 1]
    assert_close(found, torch.tensor([-1.0, 1.0], dtype=torch.float64), rtol=0, atol=1e-11)


def test_every_token_sees_both_sides_and_nobody_sees_padding():
    model, tokens = small(), torch.randint(13, (1, 7))
    mask = masks.padding(torch.tensor([5]), 7)
    before = model(tokens, mask=mask)
    for place in range(7):
        changed = tokens.clone()
        changed[0, place] = (changed[0, place] + 1) % 13
        moved = (model(changed, mask=mask) - before).abs().amax(dim=-1)[0] > 1e-9
        assert moved[:5].tolist() == [place < 5] * 5


def test_segment_a_is_meant_when_none_is_given():
    model, tokens = small(), torch.randint(13, (2, 5))
    assert torch.equal(model(tokens), model(tokens, torch.zeros_like(tokens)))
    assert (model(tokens) - model(tokens, torch.ones_like(tokens))).abs().amax(dim=-1).min() > 1e-3


def test_words_are_scored_where_one_asks():
    model = BertPretraining(BertConfig(vocab_size=13, d_model=6, n_head=3, n_layer=1, d_ff=11, n_position=7)).double()
    x = model.body(torch.randint(13, (2, 5)))
    chosen = torch.tensor([[True, False, False, True, False], [False, True, False, False, False]])
    assert_close(model.words(x[chosen]), model.words(x)[chosen], rtol=0, atol=1e-12)
    assert model.words(x[chosen]).shape == (3, 13)


def test_it_starts_near_even_odds():
    """Weights of 0.02: each of V words at about 1/V, so a loss of ln V = ln 101 = 4.62."""
    torch.manual_seed(0)
    model = BertPretraining(BertConfig(vocab_size=101, d_model=24, n_head=3, n_layer=2, d_ff=37, n_position=31))
    tokens = torch.randint(101, (5, 29))
    words, follows = model(tokens)
    assert F.cross_entropy(words.flatten(0, 1), tokens.flatten()).item() == pytest.approx(4.62, abs=0.1)
    assert follows.softmax(dim=-1).sub(0.5).abs().max() < 0.05
    assert abs(model.body.embedding.weight.std().item() - 0.02) < 0.001


def test_a_text_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match="position 7 must be below n_position=7: nothing was learned there; shorten the text"):
        small()(torch.zeros(1, 8, dtype=torch.long))
