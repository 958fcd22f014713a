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
from typing import Any

import torch
import torch.nn.functional as F
import transformers
from tokenizers import ByteLevelBPETokenizer
from torch import nn

import d2lmini
from book.press import ROOT
from book.press.build import BUILD, build
from d2lmini import interop
from d2lmini.attention import MultiHeadAttention, attention, fused_attention
from d2lmini.data.verses import verses
from d2lmini.decoding import Cached, FastLlama, Reader, Rereading, generate
from d2lmini.half import Half, computes_in_bfloat16
from d2lmini.masks import causal
from d2lmini.models.gpt import GPT, GPTConfig
from d2lmini.models.llama import Llama, LlamaConfig
from d2lmini.tokenizers import ByteBPE
from tests.browser import launch
from tests.plain_gpt import PlainGPT

PAIRS = 15
PAGES = {"a chapter with widgets": "fr/02_attention.html", "a page of prose": "fr/glossary.html"}


def seconds(work: Callable[[], object]) -> float:
    """One timed call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def ratio(ours: Callable[[], object], peer: Callable[[], object], pairs: int = PAIRS) -> tuple[float, float, float]:
    """Peer's time over ours, run in turn: (lowest, median, highest); above 1, ours is faster."""
    ours(), peer()
    ratios = sorted(seconds(peer) / seconds(ours) for _ in range(pairs))
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


def generation() -> None:
    """Writing 200 tokens, against Hugging Face's `generate` with the same weights, and with a key/value cache against without."""
    torch.manual_seed(0)
    theirs, ours = small_llamas()
    print(f"{'tokens a second, ours over the peer':<44}{'min':>8}{'median':>8}{'max':>8}")
    for batch in (1, 16):
        prompt = torch.randint(3, 2048, (batch, 16))

        def hugging_face(prompt: torch.Tensor = prompt) -> object:
            return theirs.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=200, min_new_tokens=200, do_sample=False)

        def write(reader: Callable[..., Reader], prompt: torch.Tensor = prompt, n: int = 200) -> object:
            return generate(reader(ours), prompt, max_new=n)

        assert hugging_face()[:, 16:].tolist() == write(FastLlama), "both must write the same text"
        peers = {
            "FastLlama over Hugging Face": (partial(write, FastLlama), hugging_face),
            "Cached over Hugging Face": (partial(write, Cached), hugging_face),
            "Cached over Rereading": (partial(write, Cached), partial(write, Rereading)),
        }
        for name, (one, other) in peers.items():
            low, middle, high = ratio(one, other)
            print(f"{f'  batch {batch:<2}, {name}':<44}{low:>8.2f}{middle:>8.2f}{high:>8.2f}")


def training() -> None:
    """One step of a GPT (128, 4 layers, T = 128, 16 texts, 2,048 tokens): gradients, clipping, AdamW; the plain GPT is the unit."""
    sizes = GPTConfig(vocab_size=2048, d_model=128, n_head=4, n_layer=4, d_ff=512, n_position=128)
    text = torch.randint(2048, (16, 129))
    ours, plain, halved = GPT(sizes), PlainGPT(sizes), GPT(sizes)
    theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config(
        vocab_size=2048, n_embd=128, n_layer=4, n_head=4, n_positions=128, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0,
        bos_token_id=1, eos_token_id=1,
    ))  # fmt: skip
    half = Half(halved)
    unit = stepper(plain, plain, text)
    peers = {"Hugging Face": stepper(theirs, lambda x: theirs(x).logits, text), "ours, float32": stepper(ours, ours, text, fused=True)}
    if computes_in_bfloat16():
        peers["ours, products in bfloat16"] = stepper(halved, half, text, fused=True)
    print(f"{'a training step, over a plain GPT':<44}{'min':>8}{'median':>8}{'max':>8}")
    for name, step in peers.items():
        low, middle, high = ratio(step, unit)
        print(f"{'  ' + name:<44}{low:>8.2f}{middle:>8.2f}{high:>8.2f}")


def stepper(
    model: nn.Module, scores: Callable[[torch.Tensor], torch.Tensor], text: torch.Tensor, *, fused: bool = False
) -> Callable[[], object]:
    """One training step of `model` on `text`, as `d2lmini.training` does it."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=fused)

    def step() -> None:
        loss = F.cross_entropy(scores(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        if isinstance(scores, Half):
            scores.give_gradients()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if isinstance(scores, Half):
            scores.follow()

    return step


def small_llamas() -> tuple[Any, Llama]:
    """Four layers of 128, 2,048 tokens: Hugging Face's and ours, with the same weights."""
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=2048, hidden_size=128, intermediate_size=344, num_hidden_layers=4, num_attention_heads=4,
        max_position_embeddings=512, tie_word_embeddings=True, bos_token_id=1, eos_token_id=None, pad_token_id=0,
    )).eval()  # fmt: skip
    ours = Llama(LlamaConfig(vocab_size=2048, d_model=128, n_head=4, n_layer=4, d_ff=344)).eval()
    interop.copy_llama(ours, theirs)
    return theirs, ours


def tokenizers() -> None:
    """Learning 2,000 tokens on the verses of one language, against the Rust of `tokenizers`; below 1, Rust is faster."""
    texts = verses("web")

    def ours() -> object:
        return ByteBPE.train(texts, 2000)

    def rust() -> object:
        tokenizer = ByteLevelBPETokenizer()
        tokenizer.train_from_iterator(texts, vocab_size=2000, show_progress=False)
        return tokenizer

    low, middle, high = ratio(ours, rust, pairs=3)
    print(f"{'learning byte-level BPE, ours over Rust':<44}{low:>8.2f}{middle:>8.2f}{high:>8.2f}")


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
    generation()
    training()
    tokenizers()
    grading()
    pages()
