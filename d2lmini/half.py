"""Training with products in bfloat16, where a CPU computes in it: half the bytes, and weights that stay exact."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel


def computes_in_bfloat16() -> bool:
    """Whether this CPU has the instructions; without them each product is emulated, many times slower than in float32."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


class Half:
    """A bfloat16 copy that computes scores and gradients for `model`, whose float32 weights alone take the steps.

    bfloat16 has the range of float32 but 8 bits of precision: 1 + 1/512 is 1. A step smaller than 1/512 of a weight would
    be lost, and most steps are; so the sum is made in float32 and rounded afterwards (Micikevicius et al. 2018, §3.1). The
    range being that of float32, no loss needs to be scaled (§3.2 of the same paper does so for float16).

    >>> model = nn.Linear(1, 1, bias=False)
    >>> half = Half(model)
    >>> half(torch.ones(1, 1)).sum().backward()
    >>> half.give_gradients()
    >>> model.weight.grad, model.weight.dtype
    (tensor([[1.]]), torch.float32)
    """

    def __init__(self, model: nn.Module) -> None:
        self.model, self.copy = model, deepcopy(model).bfloat16()

    def __call__(self, *inputs: Tensor | None) -> Tensor:
        """The copy's scores, in float32 for the loss."""
        with explicit_attention():
            return self.copy(*(x.bfloat16() if x is not None and x.is_floating_point() else x for x in inputs)).float()

    def give_gradients(self) -> None:
        """After `backward`: the copy's gradients become those of the model."""
        for ours, theirs in zip(self.model.parameters(), self.copy.parameters(), strict=True):
            ours.grad = None if theirs.grad is None else theirs.grad.float()
            theirs.grad = None

    @torch.no_grad()
    def follow(self) -> None:
        """After a step of the model: its weights, rounded, become those of the copy."""
        for ours, theirs in zip(self.model.parameters(), self.copy.parameters(), strict=True):
            theirs.copy_(ours)


@contextmanager
def explicit_attention() -> Iterator[None]:
    """Attention through the T × T weights, in bfloat16 throughout: on a CPU its backward pass is faster than the fused one's."""
    before = torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()  # the switch has a wrong name: a CPU obeys it too
    torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(True)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(before)
