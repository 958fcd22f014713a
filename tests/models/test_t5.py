"""T5: scores and gradients of Hugging Face's, version 1.0 and 1.1; causality; a cache."""

import pytest
import torch
from torch.testing import assert_close

from d2lmini import interop, masks
from d2lmini.decoding import Cached, Rereading
from d2lmini.models.t5 import T5, T5Config
from tests.interop.theirs import assert_same, in_double, t5, texts


def small(**other):
    torch.manual_seed(0)
    sizes = {"vocab_size": 13, "d_model": 10, "n_head": 3, "n_layer": 2, "d_ff": 11, "d_head": 7, "n_bucket": 6, "max_distance": 17}
    model = T5(T5Config(**sizes | other)).double().eval()
    for p in model.parameters():
        torch.nn.init.normal_(p, std=0.5)
    return model


@pytest.mark.parametrize("seed", range(8))
def test_equals_hugging_face(seed):
    theirs = t5(seed=seed)
    ours = interop.from_huggingface(theirs)
    source, source_mask, source_ones = texts(seed, 29, [29, 3, 17])
    target, target_mask, target_ones = texts(seed + 1, 19, [7, 19, 2])
    with in_double():
        asked = {"input_ids": source, "attention_mask": source_ones, "decoder_input_ids": target, "decoder_attention_mask": target_ones}
        expected = theirs(**asked)
        memory = ours.encode(source, source_mask)
        assert_close(memory, expected.encoder_last_hidden_state, rtol=0, atol=1e-9)
        found = ours(source, target, source_mask, target_mask)
        assert_same(ours, theirs, (found, expected.logits), d_head=theirs.config.d_kv)


def test_the_seeds_above_are_both_versions():
    configs = [interop.from_huggingface(t5(seed=seed)).config for seed in range(8)]
    assert {(c.gated, c.tied) for c in configs} == {(a, b) for a in (False, True) for b in (False, True)}
    assert any(c.d_head * c.n_head != c.d_model for c in configs) and len({c.n_bucket for c in configs}) == 2


@pytest.mark.parametrize("other", [{}, {"gated": True, "tied": False}])
def test_a_cache_changes_nothing(other):
    model, source, target = small(**other), torch.randint(13, (3, 29)), torch.randint(13, (3, 83))
    mask = masks.padding(torch.tensor([29, 7, 13]), 29)
    memory = model.encode(source, mask)
    expected = model.decode(target, memory, mask)
    cached, reread = Cached(model.decode, memory, mask), Rereading(model.decode, memory, mask)
    for first, last in ((0, 5), (5, 6), (6, 7), (7, 70), (70, 83)):
        for reader in (cached, reread):
            assert_close(reader.read(target[:, first:last]), expected[:, last - 1], rtol=0, atol=1e-11)
    rows = torch.tensor([2, 0, 0])
    for reader in (cached, reread):
        reader.keep(rows)
    assert_close(cached.read(target[:, :1]), reread.read(target[:, :1]), rtol=0, atol=1e-11)


def test_the_target_moves_its_future_only_and_the_source_moves_everything():
    model, source, target = small(), torch.randint(13, (1, 5)), torch.randint(13, (1, 7))
    before = model(source, target)
    changed = target.clone()
    changed[0, 4] = (changed[0, 4] + 1) % 13
    assert ((model(source, changed) - before).abs().amax(dim=-1)[0] > 1e-9).tolist() == [False] * 4 + [True] * 3
    for place in range(5):
        changed = source.clone()
        changed[0, place] = (changed[0, place] + 1) % 13
        assert ((model(changed, target) - before).abs().amax(dim=-1)[0] > 1e-9).all()


def test_without_layers_it_compares_a_norm_with_the_table():
    """(3, 4) → RMSNorm by √12.5, then with (1, 0) and (0, 2), and √2 less when the table is tied: 3/5 and 8/5; else 3√2/5, 8√2/5."""
    for tied, expected in ((True, [0.6, 1.6]), (False, [0.6 * 2**0.5, 1.6 * 2**0.5])):
        model = small(vocab_size=3, d_model=2, n_head=1, n_layer=0, tied=tied)
        table = torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]])
        with torch.no_grad():
            model.decoder_norm.weight.fill_(1.0)
            for weight in (model.embedding.weight, *([] if tied else [model.output.weight])):
                weight.copy_(table)
        found = model(torch.tensor([[0]]), torch.tensor([[2]]))[0, 0, :2]
        assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-6)  # ε of the norm


def test_weights_start_at_one_over_the_root_of_what_enters():
    torch.manual_seed(0)
    model = T5(T5Config(vocab_size=101, d_model=64, n_head=2, n_layer=1, d_ff=97, tied=False))
    assert model.encoder[0].attend.query.weight.std().item() == pytest.approx(64**-0.5, rel=0.05)
    assert model.encoder[0].feed_forward.narrow.weight.std().item() == pytest.approx(97**-0.5, rel=0.05)
    assert model.embedding.weight.std().item() == pytest.approx(1, rel=0.05)
