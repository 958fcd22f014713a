"""What the browser computes is what PyTorch and d2lmini compute, for every mask and at several sizes."""

import matplotlib
import pytest
import torch

from d2lmini import masks
from d2lmini.attention import attention, attention_weights
from d2lmini.widgets import AttentionSteps
from d2lmini.widgets.mask_builder import KINDS, MaskBuilder
from tests.widgets.conftest import qkv, run_javascript

MASKS = {
    "none": lambda n, size: torch.ones(n, n, dtype=torch.bool),
    "causal": lambda n, size: masks.causal(n),
    "prefix": masks.prefix,
    "window": masks.sliding_window,
    "padding": lambda n, size: masks.padding(torch.tensor(size), n).expand(n, n),
}
ATTENTION = """
import { attention, mask, rows, weightedMean } from "./shared.mjs";
const { q, k, v, kind, size, scale, temperature, allowed } = DATA;
const who = allowed ?? (kind && mask(kind, q.length, k.length, size));
const steps = attention(q, k, { scale: scale ?? undefined, mask: who, temperature });
console.log(JSON.stringify({ who, weights: steps.map((s) => s.weights), output: steps.map((s) => weightedMean(s.weights, v)),
  scores: steps.map((s) => s.scores) }));
"""


def compute(q, k, v, kind=None, size=0, scale=None, temperature=1.0, allowed=None):
    vectors = {"q": q.tolist(), "k": k.tolist(), "v": v.tolist()}
    data = {**vectors, "kind": kind, "size": size, "scale": scale, "temperature": temperature, "allowed": allowed}
    return {name: torch.tensor(x, dtype=torch.float64) for name, x in run_javascript(ATTENTION, data).items() if x is not None}


def assert_equal(actual, expected):
    torch.testing.assert_close(actual, expected.to(actual.dtype), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("n", "d", "d_value", "size"), [(2, 3, 5, 1), (5, 7, 3, 2), (11, 13, 2, 4), (23, 5, 7, 3)])
@pytest.mark.parametrize("kind", MASKS)
def test_masks_and_attention_are_those_of_the_library(kind, n, d, d_value, size):
    q, k, v = (x.double() for x in qkv(n, d=d, d_value=d_value))
    got = compute(q, k, v, kind, size)
    expected = MASKS[kind](n, size)
    assert torch.equal(got["who"].bool(), expected)
    assert_equal(got["scores"], q @ k.T)
    assert_equal(got["weights"], attention_weights(q, k, expected))
    assert_equal(got["output"], torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=expected))


@pytest.mark.parametrize(("scale", "temperature"), [(1.0, 1.0), (None, 0.1), (None, 4.0), (1.0, 0.3)])
def test_scale_and_temperature_divide_the_scores(scale, temperature):
    q, k, v = (x.double() for x in qkv(7, d=11))
    got = compute(q, k, v, scale=scale, temperature=temperature)
    assert_equal(got["weights"], attention_weights(q, k, scale=(11**-0.5 if scale is None else scale) / temperature))


def test_cross_attention_aligns_the_last_query_with_the_last_key():
    q, k, v = (x.double() for x in qkv(3, 7))
    got = compute(q, k, v, "causal")
    assert torch.equal(got["who"].bool(), masks.causal(3, 7))
    assert_equal(got["output"], attention(q, k, v, masks.causal(3, 7)))


def test_a_query_that_sees_nothing_weighs_nothing():
    q, k, v = qkv(3)
    blind = torch.tensor([[True, True, False], [False, False, False], [True, True, True]])
    got = compute(q, k, v, allowed=blind.tolist())
    assert_equal(got["weights"], attention_weights(q.double(), k.double(), blind))
    assert not got["weights"][1].any() and not got["output"][1].any()


def test_large_scores_do_not_overflow():
    q = torch.tensor([[100.0], [0.0]])
    got = compute(q, q, q, scale=1.0)  # exp(10 000) is infinite
    assert got["weights"].tolist() == [[1, 0], [0.5, 0.5]]


def test_the_bytes_that_python_packs_are_the_numbers_that_the_browser_reads():
    q, k, v = qkv(5)
    widget = AttentionSteps(list("abcde"), q, k, v)
    for name, x in (("q", q), ("k", k), ("v", v)):
        code = """import { floats, rows } from "./shared.mjs";
        const bytes = Uint8Array.from([9, ...DATA]); // a view that starts in the middle, as Jupyter hands over
        const view = new DataView(bytes.buffer, 1, DATA.length);
        console.log(JSON.stringify(rows(floats(view), 5).map((row) => [...row])))""".replace("DATA.length", str(x.numel() * 4))
        assert torch.equal(torch.tensor(run_javascript(code, list(getattr(widget, name)))), x)


@pytest.mark.parametrize("mask", ["none", "causal", "prefix", "window"])
def test_python_weights_follow_the_traits(mask):
    q, k, _ = qkv(7)
    widget = AttentionSteps(list("abcdefg"), q, k, mask=mask, prefix=3, window=4)
    widget.temperature, widget.scaled = 0.7, False
    got = compute(q, k, k, mask, {"prefix": 3, "window": 4}.get(mask, 0), 1.0, 0.7)
    torch.testing.assert_close(widget.weights().double(), got["weights"], rtol=0, atol=2e-6)


ARCHITECTURE = """
import { architecture, relations } from "./architecture.mjs"; import { python } from "./mask_builder.mjs";
const { kind, tokens, source, size, flips } = DATA;
const scene = architecture(kind, tokens, source, size, flips);
console.log(JSON.stringify({ parts: scene.parts.map((p) => p.allowed), code: python(kind, scene, size, flips),
  tokens: scene.tokens, relations: scene.tokens.map((_, t) => relations(scene, t)) }));
"""


@pytest.mark.parametrize("flips", [[], [[0, 1, 2], [0, 2, 0]]])
@pytest.mark.parametrize("source", [[], ["x", "y", "z"]])
@pytest.mark.parametrize("kind", KINDS)
def test_builder_masks_python_lines_and_kernel_agree(kind, source, flips):
    tokens = list("abcdefg")
    widget = MaskBuilder(tokens, kind=kind, source=source or None, prefix=3, window=2, padding=5)
    widget.flips = flips
    size = {"prefix": 3, "window": 2, "padding": 5}.get(kind, 0)
    shown = run_javascript(ARCHITECTURE, {"kind": kind, "tokens": tokens, "source": source, "size": size, "flips": flips})
    scope = {"torch": torch, "masks": masks}
    exec(shown["code"], scope)
    names = ["source_mask", "target_mask", "cross_mask"] if kind == "encoder-decoder" else ["mask"]
    for name, part in zip(names, shown["parts"], strict=True):
        assert torch.equal(scope[name], torch.tensor(part)), shown["code"]
        assert torch.equal(widget.mask(None if name == "mask" else name.removesuffix("_mask")), torch.tensor(part))


def test_relations_cross_the_blocks_of_an_encoder_decoder():
    shown = run_javascript(ARCHITECTURE, {"kind": "encoder-decoder", "tokens": list("abcde"), "source": [], "size": 0, "flips": []})
    assert shown["tokens"] == list("abcde")  # a and b are the source, c, d and e the target
    assert shown["relations"][3] == {"sees": [True, True, True, True, False], "seen": [False, False, False, True, True]}
    assert shown["relations"][0] == {"sees": [True, True, False, False, False], "seen": [True] * 5}


def test_colors_are_cividis_and_their_text_reads_well():
    code = """import { cividis, luminance, textColor } from "./shared.mjs";
    console.log(JSON.stringify(Array.from({ length: 1001 }, (_, i) => {
      const rgb = cividis(i / 1000), [a, b] = [luminance(rgb), textColor(rgb) === "#000" ? 0 : 1].sort((x, y) => y - x);
      return { rgb, contrast: (a + 0.05) / (b + 0.05) };
    })))"""
    cells = run_javascript(code)
    assert min(cell["contrast"] for cell in cells) >= 4.5
    cividis = matplotlib.colormaps["cividis"]
    assert max(abs(c - 255 * e) for i, cell in enumerate(cells) for c, e in zip(cell["rgb"], cividis(i / 1000)[:3], strict=True)) < 9
