"""The whole Transformer: equal to `nn.Transformer`, counted as the practical counts it, causal, blind to padding."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from d2lmini import interop, masks
from d2lmini.models.seq2seq import Seq2SeqConfig, Transformer
from d2lmini.positions import sinusoid

EXACT = {"rtol": 0, "atol": 1e-10}
SMALL = Seq2SeqConfig(vocab_size=17, d_model=12, n_head=3, n_layer=2, d_ff=19, dropout=0.0)


def small(**changes):
    torch.manual_seed(0)
    return Transformer(replace(SMALL, **changes)).double()


def tokens(*shape):
    return torch.randint(17, shape, generator=torch.Generator().manual_seed(sum(shape)))


def scrambled(module):
    for p in module.parameters():
        nn.init.normal_(p, std=0.3)
    return module


@pytest.mark.parametrize("pre_norm", [False, True])
@pytest.mark.parametrize(
    ("b", "h", "s", "t", "d_head"), [(1, 1, 2, 3, 4), (2, 3, 7, 5, 4), (3, 2, 5, 7, 6), (2, 5, 3, 2, 2), (5, 2, 2, 11, 8)]
)
def test_equals_pytorch(pre_norm, b, h, s, t, d_head):
    torch.manual_seed(0)
    theirs = scrambled(nn.Transformer(h * d_head, h, 2, 2, 19, dropout=0.0, norm_first=pre_norm, batch_first=True, dtype=torch.float64))
    ours = small(d_model=h * d_head, n_head=h, pre_norm=pre_norm, final_norm=True)
    interop.copy_stacks(ours, theirs)
    source, target = tokens(b, s), tokens(b, t)
    real = masks.padding(torch.arange(1, b + 1).clamp(max=s), s)
    closed = {"tgt_mask": ~masks.causal(t), "src_key_padding_mask": ~real[:, 0], "memory_key_padding_mask": ~real[:, 0]}
    expected = theirs(ours.embed(source), ours.embed(target), **closed) @ ours.embedding.weight.T + ours.output_bias
    assert_close(ours(source, target, real), expected, **EXACT)


def test_the_practical_counts_44_153_373():
    with torch.device("meta"):
        ours = Transformer(Seq2SeqConfig(vocab_size=29))
        theirs = nn.Transformer()
    total = sum(p.numel() for p in ours.parameters())
    assert total == 44_153_373
    stacks = sum(p.numel() for stack in (ours.encoder, ours.decoder) for p in stack.parameters())
    assert sum(p.numel() for p in theirs.parameters()) == 44_140_544 == stacks + 2_048
    assert total == stacks + 29 * 512 + 29


def test_embedding_is_scaled_and_has_its_position():
    model, source = small(), tokens(2, 5)
    expected = model.embedding.weight[source] * 12**0.5 + sinusoid(torch.arange(5.0, dtype=torch.float64), 12)
    assert_close(model.embed(source), expected, **EXACT)


def test_the_future_of_the_target_does_not_count_and_its_past_does():
    model, source, target = scrambled(small()), tokens(2, 5), tokens(2, 7)
    before = model(source, target)
    for moment in (2, 6):
        changed = target.clone()
        changed[:, moment] = (changed[:, moment] + 1) % 17
        after = model(source, changed)
        assert_close(after[:, :moment], before[:, :moment], rtol=0, atol=0)
        assert (after[:, moment:] - before[:, moment:]).abs().amax(-1).min() > 1e-6


def test_padding_of_the_source_does_not_count_and_its_tokens_do():
    model, target = scrambled(small()), tokens(2, 3)
    source, real = tokens(2, 7), masks.padding(torch.tensor([7, 4]), 7)
    before = model(source, target, real)
    for place, moves in ((5, [True, False]), (3, [True, True])):
        changed = source.clone()
        changed[:, place] = (changed[:, place] + 1) % 17
        gap = (model(changed, target, real) - before).abs().amax((-1, -2))
        assert (gap > 1e-9).tolist() == moves
    assert_close(model(source[1:, :4], target[1:]), before[1:], **EXACT)


def test_every_parameter_learns():
    model = small(pre_norm=True, final_norm=True)
    model(tokens(2, 5), tokens(2, 3)).sin().sum().backward()
    idle = {name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 1e-12}
    assert idle == {name for name, _ in model.named_parameters() if name.endswith("key.bias")}, "the softmax ignores a bias of the keys"
