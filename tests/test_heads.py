"""Several heads: equal to PyTorch's module and to a loop over heads, in self- and cross-attention, with masks and groups."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torch.utils._python_dispatch import TorchDispatchMode

from d2lmini import interop, masks
from d2lmini.attention import MultiHeadAttention, attention, merge_heads, recorded, split_heads
from d2lmini.positions import ALiBi, Rotary, Shaw, TransformerXL

EXACT = {"rtol": 0, "atol": 1e-10}
SHAPES = [(1, 1, 2, 3, 5), (2, 3, 5, 7, 11), (3, 2, 7, 5, 3), (2, 5, 3, 3, 13), (5, 7, 2, 11, 2)]  # B, H, Tq, Tk, d_head
EACH_SHAPE = pytest.mark.parametrize("shape", SHAPES)


def inputs(shape):
    b, h, t_q, t_k, d_head = shape
    generator = torch.Generator().manual_seed(sum(shape))
    x, memory = (torch.randn(b, t, h * d_head, generator=generator, dtype=torch.float64) for t in (t_q, t_k))
    mask = torch.rand(b, t_q, t_k, generator=generator) < 0.5
    mask[..., 0] = True
    return x, memory, mask


def both_paths(module, *args, **kwargs):
    """The output, once the readable and the fused path have agreed."""
    fused = module(*args, **kwargs)
    readable, weights = module(*args, **kwargs, return_weights=True)
    assert_close(fused, readable, **EXACT)
    return fused, weights


@EACH_SHAPE
@pytest.mark.parametrize("bias", [False, True])
def test_equals_pytorch(shape, bias):
    torch.manual_seed(0)
    b, h, t_q, t_k, d_head = shape
    theirs = nn.MultiheadAttention(h * d_head, h, bias=bias, batch_first=True, dtype=torch.float64)
    if bias:
        nn.init.normal_(theirs.in_proj_bias)
        nn.init.normal_(theirs.out_proj.bias)
    ours = MultiHeadAttention(h * d_head, h, bias=bias).double()
    interop.copy_attention(ours, theirs)
    x, memory, mask = inputs(shape)
    for keys, allowed in ((x, None), (memory, None), (memory, mask)):
        blocked = None if allowed is None else masks.to_blocked(allowed).repeat_interleave(h, dim=0)
        expected, expected_weights = theirs(x, keys, keys, attn_mask=blocked, average_attn_weights=False)
        y, weights = both_paths(ours, x, None if keys is x else keys, mask=allowed)
        assert_close(y, expected, **EXACT)
        assert_close(weights, expected_weights, **EXACT)


@EACH_SHAPE
@pytest.mark.parametrize("n_kv_head", [1, None])
def test_equals_a_loop_over_heads(shape, n_kv_head):
    torch.manual_seed(0)
    b, h, t_q, t_k, d_head = shape
    module = MultiHeadAttention(h * d_head, h, n_kv_head=n_kv_head, d_head=d_head + 2).double()
    x, memory, mask = inputs(shape)
    d = d_head + 2
    heads = []
    for n in range(h):
        q = module.query(x)[..., n * d : (n + 1) * d]
        m = 0 if n_kv_head == 1 else n
        k, v = (layer(memory)[..., m * d : (m + 1) * d] for layer in (module.key, module.value))
        heads.append(attention(q, k, v, mask))
    assert_close(both_paths(module, x, memory, mask=mask)[0], module.out(torch.cat(heads, dim=-1)), **EXACT)


def test_query_heads_share_keys_and_values_in_groups_of_neighbors():
    torch.manual_seed(0)
    grouped = MultiHeadAttention(30, 6, n_kv_head=2).double()
    full = MultiHeadAttention(30, 6).double()
    full.load_state_dict(grouped.state_dict() | {
        f"{name}.{kind}": getattr(getattr(grouped, name), kind).data.unflatten(0, (2, 5)).repeat_interleave(3, dim=0).flatten(0, 1)
        for name in ("key", "value") for kind in ("weight", "bias")
    })  # fmt: skip
    x = torch.randn(2, 7, 30, dtype=torch.float64)
    assert_close(both_paths(grouped, x)[0], both_paths(full, x)[0], **EXACT)
    assert sum(p.numel() for p in grouped.key.parameters()) == 10 * 31


@pytest.mark.parametrize("scheme", [lambda: ALiBi(3), lambda: Rotary(10), lambda: Shaw(10, 4), lambda: TransformerXL(3, 10, 6)])
@pytest.mark.parametrize("n_kv_head", [1, 3])
def test_both_paths_agree_with_positions_and_masks_and_so_do_their_gradients(scheme, n_kv_head):
    torch.manual_seed(0)
    module, positions = MultiHeadAttention(30, 3, n_kv_head=n_kv_head).double(), scheme().double()
    x = torch.randn(2, 7, 30, dtype=torch.float64, requires_grad=True)
    mask = masks.combine(masks.causal(7), masks.padding(torch.tensor([7, 4]), 7))
    y, _ = both_paths(module, x, mask=mask, positions=positions)
    readable, _ = module(x, mask=mask, positions=positions, return_weights=True)
    mine, other = (torch.autograd.grad(out.sin().sum(), [x, *module.parameters()], allow_unused=True) for out in (y, readable))
    for a, b in zip(mine, other, strict=True):
        assert_close(a, b, **EXACT)


def test_no_head_sees_what_the_mask_hides():
    torch.manual_seed(0)
    module = MultiHeadAttention(30, 3).double()
    x = torch.randn(7, 30, dtype=torch.float64)
    assert masks.influence(lambda x: module(x, mask=masks.causal(7)), x).equal(masks.causal(7))


def test_splitting_gives_each_head_its_own_coordinates():
    x = torch.arange(2 * 3 * 10).view(2, 3, 10).float()
    heads = split_heads(x, 5)
    assert heads.shape == (2, 5, 3, 2) and heads[1, 4, 2].tolist() == x[1, 2, 8:].tolist()
    assert merge_heads(heads).equal(x)


def test_recorded_weights_are_those_of_each_call_and_recording_ends():
    torch.manual_seed(0)
    model = nn.ModuleDict({"a": MultiHeadAttention(6, 2), "b": MultiHeadAttention(6, 3)})
    x = torch.randn(2, 5, 6)
    with recorded(model) as seen:
        first = model["a"](x, mask=masks.causal(5))
        model["a"](x, x[:, :3])
    model["b"](x)
    assert [tuple(w.shape) for w in seen["a"]] == [(2, 2, 5, 5), (2, 2, 5, 3)] and "b" not in seen
    y, weights = model["a"](x, mask=masks.causal(5), return_weights=True)
    assert_close(seen["a"][0], weights)
    assert_close(first, y)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: MultiHeadAttention(10, 3), "d_model=10 must be a multiple of n_head=3; try d_model=12, or give d_head"),
        (lambda: MultiHeadAttention(12, 6, n_kv_head=4), "n_head=6 must be a multiple of n_kv_head=4; try n_kv_head=3"),
        (lambda: interop.copy_attention(MultiHeadAttention(4, 2), nn.MultiheadAttention(4, 2, bias=False)), "build ours with bias=False"),
    ],
)
def test_errors_give_value_rule_and_repair(call, message):
    with pytest.raises(ValueError, match=message):
        call()


class Largest(TorchDispatchMode):
    """The most numbers that a tensor made inside the block holds."""

    numel = 0

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        made = operation(*args, **(kwargs or {}))
        self.numel = max(self.numel, *(x.numel() for x in (made if isinstance(made, tuple) else (made,)) if isinstance(x, torch.Tensor)), 0)
        return made


@pytest.mark.parametrize("mask", [None, masks.causal(64), masks.padding(torch.tensor([50]), 64)])
def test_the_fused_path_never_stores_the_weights_of_all_heads(mask):
    module, x = MultiHeadAttention(12, 3), torch.randn(1, 64, 12, requires_grad=True)
    with Largest() as fused:
        module(x, mask=mask).sum().backward()
    with Largest() as readable:
        module(x, mask=mask, return_weights=True)[0].sum().backward()
    assert fused.numel <= 64 * 64 < readable.numel == 3 * 64 * 64
