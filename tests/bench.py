"""Speed as ratios against a peer in the same run: `make bench`."""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import nn

import d2lmini
from book.press import ROOT
from book.press.build import BUILD, build
from d2lmini.attention import MultiHeadAttention, attention, fused_attention
from d2lmini.masks import causal
from tests.browser import launch

PAIRS = 15
PAGES = {"a chapter with widgets": "fr/02_attention.html", "a page of prose": "fr/glossary.html"}


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


def attend(function: Callable[..., torch.Tensor], n: int, backward: bool) -> Callable[[], object]:
    """One pass of an attention function over B=2, H=4, T=n, d_head=64 under a causal mask."""
    q, k, v = (torch.randn(2, 4, n, 64, requires_grad=backward) for _ in range(3))
    mask = causal(n)
    if backward:
        return lambda: function(q, k, v, mask).sum().backward()
    return lambda: function(q, k, v, mask)


def layer(call: Callable[[torch.Tensor], torch.Tensor], n: int, backward: bool) -> Callable[[], object]:
    """One pass of a layer over B=2, T=n, d_model=256."""
    x = torch.randn(2, n, 256, requires_grad=backward)
    if backward:
        return lambda: call(x).sum().backward()
    return torch.inference_mode()(lambda: call(x))


def compare(title: str, ours: Callable[[int, bool], Callable[[], object]], peer: Callable[[int, bool], Callable[[], object]]) -> None:
    """A table of ratios by length, forward and with gradients."""
    print(f"{title:<44}{'min':>8}{'median':>8}{'max':>8}")
    for n in (64, 256, 1024):
        for backward in (False, True):
            low, middle, high = ratio(ours(n, backward), peer(n, backward))
            name = f"  T = {n:<5} {'forward, backward' if backward else 'forward'}"
            print(f"{name:<44}{low:>8.2f}{middle:>8.2f}{high:>8.2f}")


def attentions() -> None:
    """The fused path against the readable one, and our layer of heads against PyTorch's."""
    compare("fused over readable attention", partial(attend, fused_attention), partial(attend, attention))
    ours, theirs = MultiHeadAttention(256, 4), nn.MultiheadAttention(256, 4, batch_first=True)

    def fused(x: torch.Tensor) -> torch.Tensor:
        return ours(x, mask=causal(x.shape[1]))

    def readable(x: torch.Tensor) -> torch.Tensor:
        return ours(x, mask=causal(x.shape[1]), return_weights=True)[0]

    def torchs(x: torch.Tensor) -> torch.Tensor:
        return theirs(x, x, x, attn_mask=~causal(x.shape[1]), need_weights=False)[0]

    compare("MultiHeadAttention, fused over readable", partial(layer, fused), partial(layer, readable))
    compare("MultiHeadAttention over nn's", partial(layer, fused), partial(layer, torchs))


def pages() -> None:
    """From a click to a page whose widgets answer, opened from a disk; a page of prose beside it, in turn."""
    build()
    with launch() as browser:
        tab = browser.new_page()

        def opened(page: str) -> float:
            start = time.perf_counter()
            tab.goto(f"{(BUILD / 'html').as_uri()}/{page}")
            tab.wait_for_function("document.querySelectorAll('[data-hydrated]').length >= document.querySelectorAll('.widget').length")
            return time.perf_counter() - start

        runs = [{name: opened(page) for name, page in PAGES.items()} for _ in range(PAIRS)]
    print(f"{'seconds until a page answers':<44}{'min':>8}{'median':>8}{'max':>8}")
    for name in PAGES:
        times = sorted(run[name] for run in runs)
        print(f"  {name:<42}{times[0]:>8.2f}{statistics.median(times):>8.2f}{times[-1]:>8.2f}")


def grading() -> None:
    """Thirty notebooks of the sets, from the command to the reports, all isolation included."""
    print(f"{'seconds to grade a class of thirty':<44}{'min':>8}{'median':>8}{'max':>8}")
    solved = sorted((ROOT / "solutions" / "fr").glob("*.ipynb"))
    times = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "class"
            folder.mkdir()
            for n in range(30):
                shutil.copy(solved[n % len(solved)], folder / f"student {n}.ipynb")
            command = [sys.executable, "-m", "d2lmini", "grade", str(folder), "--out", str(Path(name) / "grades")]
            times.append(seconds(partial(subprocess.run, command, check=True, capture_output=True)))
    print(f"{'  30 notebooks, 6 exercises each':<44}{min(times):>8.2f}{statistics.median(times):>8.2f}{max(times):>8.2f}")


if __name__ == "__main__":
    d2lmini.start("en")
    attentions()
    grading()
    pages()
