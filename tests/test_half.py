"""Training in bfloat16: the same gradients up to rounding, and no step lost."""

import copy

import torch
import torch.nn.functional as F
from torch.testing import assert_close

from d2lmini.half import Half, explicit_attention
from d2lmini.models.gpt import GPT, GPTConfig

SMALL = GPTConfig(vocab_size=23, d_model=24, n_head=3, n_layer=2, d_ff=37, n_position=13)
TEXT = torch.randint(23, (5, 12), generator=torch.Generator().manual_seed(0))


def small() -> GPT:
    torch.manual_seed(0)
    return GPT(SMALL)


def gradients(model, scores):
    F.cross_entropy(scores[:, :-1].flatten(0, 1), TEXT[:, 1:].flatten()).backward()


def test_gradients_are_those_of_float32_rounded():
    exact, model = small(), small()
    gradients(exact, exact(TEXT))
    half = Half(model)
    scores = half(TEXT)
    assert scores.dtype == torch.float32
    gradients(half.copy, scores)
    half.give_gradients()
    for (name, ours), theirs in zip(model.named_parameters(), exact.parameters(), strict=True):
        assert ours.dtype == ours.grad.dtype == torch.float32
        if name.endswith("key.bias"):  # shifts all scores of a query alike: its gradient is 0, and rounding noise in both
            continue
        assert F.cosine_similarity(ours.grad.flatten(), theirs.grad.flatten(), dim=0) > 0.999, name
        assert_close(ours.grad.norm(), theirs.grad.norm(), rtol=0.02, atol=0)
    assert all(p.grad is None for p in half.copy.parameters())


def test_a_step_that_bfloat16_would_lose_is_kept():
    torch.manual_seed(0)
    alone = torch.nn.Linear(1, 1, bias=False, dtype=torch.bfloat16)
    model = torch.nn.Linear(1, 1, bias=False)
    half = Half(model)
    with torch.no_grad():
        alone.weight.fill_(1.0)
        model.weight.fill_(1.0)
    half.follow()
    for _ in range(8):
        half(torch.ones(1, 1)).sum().backward()
        half.give_gradients()
        with torch.no_grad():
            model.weight += 2**-9 * model.weight.grad
            alone.weight += torch.tensor(2**-9, dtype=torch.bfloat16)
        half.follow()
    assert alone.weight.item() == 1  # 1 + 1/512 rounds to 1, eight times
    assert model.weight.item() == half.copy.weight.item() == 1 + 8 / 512


def test_tied_weights_stay_tied_and_the_model_is_left_alone():
    model = small()
    before = copy.deepcopy(model.state_dict())
    half = Half(model)
    assert half.copy.embedding.weight.dtype == torch.bfloat16
    assert len(list(half.copy.parameters())) == len(list(model.parameters()))
    half(TEXT)
    assert_close(model.state_dict(), before, rtol=0, atol=0)


def test_the_switch_is_put_back():
    before = torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()
    with explicit_attention():
        assert torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()
    assert torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed() == before
