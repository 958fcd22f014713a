"""Speed as ratios against a peer in the same run: `make bench`."""

import statistics
import time
from collections.abc import Callable

import torch

import d2lmini
from d2lmini.attention import attention, fused_attention
from d2lmini.masks import causal

PAIRS = 15


def seconds(work: Callable[[], object]) -> float:
    """One timed call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratio(ours: Callable[[], object], peer: Callable[[], object]) -> tuple[float, float, float]:
    """Peer's time over ours, run in turn: (lowest, median, highest); above 1, ours is faster."""
    ours(), peer()
    ratios = sorted(seconds(peer) / seconds(ours) for _ in range(PAIRS))
    return ratios[0], statistics.median(ratios), ratios[-1]


def main() -> None:
    """Fused against readable attention, forward and with gradients."""
    d2lmini.start("en")
    print(f"{'fused over readable attention':<34}{'min':>7}{'median':>8}{'max':>7}")
    for n in (64, 256, 1024):
        q, k, v = (torch.randn(2, 4, n, 64, requires_grad=True) for _ in range(3))
        mask = causal(n)
        for name, step in (("forward", lambda y: y), ("forward and backward", lambda y: y.sum().backward())):
            low, middle, high = ratio(
                lambda step=step: step(fused_attention(q, k, v, mask)), lambda step=step: step(attention(q, k, v, mask))
            )
            print(f"  T = {n:<5} {name:<22}{low:>8.2f}{middle:>8.2f}{high:>7.2f}")


if __name__ == "__main__":
    main()
