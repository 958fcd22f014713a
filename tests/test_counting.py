"""Counts from sizes alone agree with real models: PyTorch's, Hugging Face's and ours, number for number."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import transformers
from torch import nn
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from d2lmini.attention import MultiHeadAttention
from d2lmini.blocks import EncoderBlock, Residual, RMSNorm
from d2lmini.counting import (
    PRESETS,
    Architecture,
    activation_bytes,
    architecture,
    cache_bytes,
    flops,
    n_fitting,
    parameters,
    step_flops,
    writing_flops,
)
from d2lmini.feedforward import FeedForward, GatedFeedForward
from d2lmini.models.bert import Bert, BertConfig, BertPretraining
from d2lmini.models.gpt import GPT, GPTConfig
from d2lmini.models.llama import Llama, LlamaConfig
from d2lmini.models.seq2seq import Seq2SeqConfig, Transformer
from d2lmini.models.t5 import T5, T5Config
from d2lmini.positions import Learned

SMALL = Seq2SeqConfig(vocab_size=37, d_model=22, n_head=2, n_layer=3, d_ff=31, dropout=0.0)
B, S, T = 3, 7, 5
LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}


def total(counts):
    return sum(counts.values())


# --- parameters ---------------------------------------------------------------------------------------------------


def gpt(d, n_layer, n_head, n_position=1024):
    return lambda: transformers.GPT2LMHeadModel(transformers.GPT2Config(n_embd=d, n_layer=n_layer, n_head=n_head, n_positions=n_position))


def t5(d, n_layer, n_head, d_ff, d_head=64):
    sizes = {"d_model": d, "num_layers": n_layer, "num_heads": n_head, "d_ff": d_ff, "d_kv": d_head}
    return lambda: transformers.T5ForConditionalGeneration(transformers.T5Config(**sizes))


def bert(**sizes):
    return lambda: transformers.BertModel(transformers.BertConfig(**sizes))


def vit(**sizes):
    return lambda: transformers.ViTForImageClassification(transformers.ViTConfig(num_labels=1000, **sizes))


def llama(**sizes):
    return lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes))


THEIRS = {
    "bert-base": bert(),
    "bert-large": bert(**LARGE),
    "gpt2-small": gpt(768, 12, 12),
    "gpt2-medium": gpt(1024, 24, 16),
    "gpt2-large": gpt(1280, 36, 20),
    "gpt2-xl": gpt(1600, 48, 25),
    "gpt3": gpt(12288, 96, 96, 2048),
    "t5-small": t5(512, 6, 8, 2048),
    "t5-base": t5(768, 12, 12, 3072),
    "t5-large": t5(1024, 24, 16, 4096),
    "t5-11b": t5(1024, 24, 128, 65536, 128),
    "llama-7b": llama(),
    "llama3-8b": llama(num_key_value_heads=8, intermediate_size=14336, vocab_size=128256),
    "vit-b16": vit(),
    "vit-l16": vit(**LARGE),
}
PARTS = {  # of a parameter's name in Hugging Face's models; the first that fits
    "positions": r"position_embeddings|wpe|relative_attention_bias",
    "norms": r"norm|ln_|LayerNorm",
    "embeddings": r"word_emb|token_type|wte|shared|embed_tokens|cls_token|patch_embeddings",
    "output": r"pooler|lm_head|classifier",
    "cross-attention": r"EncDecAttention",
    "self-attention": r"attn|[aA]ttention",
    "feed-forward": r"mlp|DenseReluDense|intermediate|output\.dense",
}


def count(model, parts):
    """The parameters of a model, tied ones once, by the part that their name says."""
    found = Counter(dict.fromkeys(parameters(PRESETS["bert-base"].architecture), 0))
    for name, parameter in model.named_parameters():
        found[next(part for part, pattern in parts.items() if re.search(pattern, name))] += parameter.numel()
    return dict(found)


@pytest.mark.parametrize("name", THEIRS)
def test_each_part_of_a_published_model_is_that_of_hugging_face(name):
    with torch.device("meta"):
        model = THEIRS[name]()
    assert parameters(PRESETS[name].architecture) == count(model, PARTS)


OURS = {
    "norms": r"around_|norm\.",
    "cross-attention": r"\.cross\.",
    "self-attention": r"\.attend\.",
    "feed-forward": r"feed_forward",
    "embeddings": r"^embedding|^segments",
    "positions": r"positions\.table",
    "output": r"output|^pooler",
}


@pytest.mark.parametrize(("final_norm", "output_bias"), [(False, True), (True, False)])
def test_each_part_of_our_transformer_is_counted_from_its_configuration(final_norm, output_bias):
    config = replace(SMALL, final_norm=final_norm, output_bias=output_bias)
    assert parameters(architecture(config)) == count(Transformer(config), OURS)


DECODER = {"vocab_size": 37, "d_model": 22, "n_head": 2, "n_layer": 3, "d_ff": 31}
FAMILIES = [
    (Bert, BertConfig(**DECODER, n_position=13, n_segment=3)), (Bert, BertConfig(**DECODER, n_position=13, pooler=False)),
    (GPT, GPTConfig(**DECODER, n_position=13)), (GPT, GPTConfig(**DECODER, n_position=13, pre_norm=False, window=5)),
    (T5, T5Config(**DECODER)), (T5, T5Config(**DECODER, d_head=7, n_bucket=10, gated=True, tied=False)),
    (Llama, LlamaConfig(**DECODER | {"n_head": 1})), (Llama, LlamaConfig(**DECODER | {"n_head": 11}, n_kv_head=1, tied=False)),
]  # fmt: skip


@pytest.mark.parametrize(("make", "config"), FAMILIES, ids=[f"{make.__name__}-{i % 2}" for i, (make, _) in enumerate(FAMILIES)])
def test_each_family_is_counted_from_its_configuration(make, config):
    a, model = architecture(config), make(config).eval()
    assert parameters(a) == count(model, OURS)
    text = torch.zeros(1, S, dtype=torch.long)
    both = a.n_encoder and a.n_decoder
    spent = measured(lambda: model(text, text[:, :T]) if both else model.whole(model(text)) if make is Bert and a.pooler else model(text))
    assert spent.get_total_flops() == total(flops(a, T, n_source=S) if both else flops(a, S))


@pytest.mark.parametrize(("make", "config"), [FAMILIES[0], FAMILIES[2], FAMILIES[3]], ids=["Bert", "GPT-2", "GPT"])
def test_memory_of_families_with_absolute_positions_is_what_autograd_keeps(make, config):
    torch.manual_seed(0)
    a, model, text = architecture(config), make(config).train(), torch.randint(37, (B, S))

    def run():
        with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
            if make is Bert:
                return model.whole(model(text)).sum()
            return F.cross_entropy(model(text).flatten(0, 1), text.flatten())

    assert saved_bytes(model, run) == total(activation_bytes(a, S, B))


def test_the_heads_of_pretraining_come_on_top():
    """A map, a norm and a bias a word for the masked ones; two scores for the pair."""
    config = FAMILIES[0][1]
    both = sum(p.numel() for p in BertPretraining(config).parameters())
    assert both - total(parameters(architecture(config))) == (22 * 22 + 22) + 2 * 22 + 37 + 2 * (22 + 1)


def test_the_transformer_of_2017():
    """N=6, H=8, d=512, d_ff=2048, V=29, tied embeddings, output bias; then PyTorch's, which adds two final norms."""
    a = architecture(Seq2SeqConfig(vocab_size=29))
    assert parameters(a) == {
        "embeddings": 29 * 512,
        "positions": 0,
        "self-attention": 12 * (4 * 512 * 512 + 4 * 512),
        "cross-attention": 6 * (4 * 512 * 512 + 4 * 512),
        "feed-forward": 12 * (2 * 512 * 2048 + 2048 + 512),
        "norms": 30 * 2 * 512,
        "output": 29,
    }
    assert total(parameters(a)) == 44_153_373
    with torch.device("meta"):
        body = sum(p.numel() for p in nn.Transformer(batch_first=True).parameters())
    ours = parameters(replace(a, final_norm=True, output_bias=False))
    assert total(ours) - ours["embeddings"] == body == 44_140_544
    assert parameters(replace(a, final_norm=True))["norms"] - parameters(a)["norms"] == 2048


TOTALS = {
    "transformer-base": 63_082_496, "transformer-big": 214_245_376, "bert-base": 109_482_240, "bert-large": 335_141_888,
    "gpt2-small": 124_439_808, "gpt2-medium": 354_823_168, "gpt2-large": 774_030_080, "gpt2-xl": 1_557_611_200,
    "gpt3": 174_604_259_328, "t5-small": 60_506_624, "t5-base": 222_903_552, "t5-large": 737_668_096, "t5-11b": 11_307_321_344,
    "llama-7b": 6_738_415_616, "llama3-8b": 8_030_261_248, "vit-b16": 86_567_656, "vit-l16": 304_326_632,
}  # fmt: skip


def test_totals():
    assert {name: total(parameters(preset.architecture)) for name, preset in PRESETS.items()} == TOTALS


# --- what the presets say of the published counts -----------------------------------------------------------------


def millions(name, digits=0, **changes):
    return round(total(parameters(replace(PRESETS[name].architecture, **changes))) / 1e6, digits or None)


def test_reasons_that_hold_numbers_are_true():
    for name, tokens in (("transformer-base", 40_700), ("transformer-big", 35_800)):
        assert millions(name, vocab_size=tokens) == PRESETS[name].published / 1e6
        assert f"{tokens:,}" in PRESETS[name].why[1]
    for size in ("small", "medium", "large", "xl"):  # 40,478: OpenAIGPTConfig().vocab_size
        assert millions(f"gpt2-{size}", vocab_size=40_478) == PRESETS[f"gpt2-{size}"].published / 1e6
    assert transformers.OpenAIGPTConfig().vocab_size == 40_478 and "40,478" in PRESETS["gpt2-xl"].why[1]
    assert round(TOTALS["gpt3"] / 1e8) == 1746 and "174,600 million" in PRESETS["gpt3"].why[1]
    assert millions("t5-large", 1, output="own") == 770.6
    bare = {"output": "none", "output_bias": False, "n_class": 0}
    assert (millions("vit-b16", 1, **bare), millions("vit-l16", 1, **bare)) == (85.8, 303.3)
    with torch.device("meta"):
        assert sum(p.numel() for p in vit(patch_size=32, **LARGE)().parameters()) == 306_535_400
    assert millions("vit-l16", 1, patch_size=32, n_position=50) == 306.5


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if preset.why[1].startswith("Rounded")])
def test_what_is_called_rounded_is_rounded(name):
    published = PRESETS[name].published
    assert float(f"{TOTALS[name]:.{len(str(published).rstrip('0')) - 1}e}") == published


@pytest.mark.parametrize("name", PRESETS)
def test_sources_exist_and_both_languages_give_the_same_numbers(name):
    preset = PRESETS[name]
    bibliography = (Path(__file__).parents[1] / "book/references.bib").read_text("utf8")
    entry = bibliography.split("{" + preset.source + ",", 1)[1]
    author, year = re.fullmatch(r"(\w+) et al\. (\d{4})", preset.cited).groups()
    assert re.search(r"author = \{(\w+), ", entry).group(1) == author
    assert re.search(r"year = \{(\d+)\}", entry).group(1) == year
    fr, en = (re.sub(separator, "", text) for separator, text in zip((r"(?<=\d) (?=\d{3})", r"(?<=\d),(?=\d{3})"), preset.why, strict=True))
    numbers = [sorted(re.findall(r"\d+(?:\.\d+)?", text)) for text in (re.sub(r"(?<=\d),(?=\d)", ".", fr), en)]
    assert numbers[0] == numbers[1]


# --- operations ---------------------------------------------------------------------------------------------------


def measured(run):
    with FlopCounterMode(display=False) as counter, torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        run()
    return counter


def test_operations_of_our_transformer_part_by_part():
    model, a = Transformer(SMALL), architecture(SMALL)
    counter = measured(lambda: model(torch.zeros(1, S, dtype=torch.long), torch.zeros(1, T, dtype=torch.long)))
    by_module = {name: total(ops) for name, ops in counter.get_flop_counts().items()}

    def part(pattern):
        return sum(n for name, n in by_module.items() if re.search(pattern, name))

    expected = flops(a, T, n_source=S)
    assert part(r"attend\.(query|key|value|out)$") == expected["self-attention"]
    assert part(r"cross\.(query|key|value|out)$") == expected["cross-attention"]
    assert part(r"\.(attend|cross)$") == expected["self-attention"] + expected["cross-attention"] + expected["scores"]
    assert part(r"\.feed_forward$") == expected["feed-forward"]
    assert counter.get_total_flops() == total(expected)
    assert expected["output"] == 2 * T * 22 * 37 and expected["embeddings"] == 0


SIZES = {"hidden_size": 21, "num_attention_heads": 3, "intermediate_size": 29, "num_hidden_layers": 2}  # as Hugging Face names them
TINY = {
    "gpt": (
        Architecture(d_model=21, n_head=3, d_ff=29, n_decoder=2, activation="gelu", vocab_size=31, n_position=13),
        transformers.GPT2LMHeadModel,
        transformers.GPT2Config(n_embd=21, n_head=3, n_inner=29, n_layer=2, vocab_size=31, n_positions=13),
    ),
    "llama": (
        Architecture(d_model=30, n_head=6, n_kv_head=2, d_head=10, d_ff=29, n_decoder=2, gated=True, bias=False, vocab_size=31,
                     rms_norm=True, output="own"),
        transformers.LlamaForCausalLM,
        transformers.LlamaConfig(
            **SIZES | {"hidden_size": 30, "num_attention_heads": 6}, num_key_value_heads=2, head_dim=10, vocab_size=31
        ),
    ),
    "bert": (
        Architecture(d_model=21, n_head=3, d_ff=29, n_encoder=2, vocab_size=31, n_position=13, n_segment=2, embedding_norm=True,
                     final_norm=False, output="none", pooler=True),
        transformers.BertModel,
        transformers.BertConfig(**SIZES, vocab_size=31, max_position_embeddings=13),
    ),
    "t5": (
        Architecture(d_model=17, n_head=3, d_head=7, d_ff=29, n_encoder=2, n_decoder=3, bias=False, vocab_size=31, n_bucket=11,
                     rms_norm=True),
        transformers.T5ForConditionalGeneration,
        transformers.T5Config(
            d_model=17, num_heads=3, d_kv=7, d_ff=29, num_layers=2, num_decoder_layers=3, vocab_size=31, relative_attention_num_buckets=11
        ),
    ),
    "vit": (
        Architecture(d_model=21, n_head=3, d_ff=29, n_encoder=2, patch_size=5, n_position=7, output="own", output_bias=True, n_class=11),
        transformers.ViTForImageClassification,
        transformers.ViTConfig(**SIZES, image_size=(10, 15), patch_size=5, num_labels=11),
    ),
}  # fmt: skip


@pytest.mark.parametrize("family", TINY)
def test_operations_and_parameters_of_small_models_of_each_family(family):
    a, make, config = TINY[family]
    model = make(config).eval()
    text = torch.ones(1, S, dtype=torch.long)
    inputs = {"t5": {"input_ids": text, "decoder_input_ids": text[:, :T]}, "vit": {"pixel_values": torch.zeros(1, 3, 10, 15)}}
    expected = flops(a, T, n_source=S) if family == "t5" else flops(a, S)
    assert measured(lambda: model(**inputs.get(family, {"input_ids": text}))).get_total_flops() == total(expected)
    assert parameters(a) == count(model, PARTS)


def test_the_rule_of_thumb_and_where_it_breaks():
    a = PRESETS["llama-7b"].architecture
    n = total(parameters(a)) - parameters(a)["embeddings"]
    per_token = {length: total(flops(a, length)) / length / n for length in (1, 2048, 32768)}
    assert per_token[1] == pytest.approx(2, rel=1e-3)
    assert per_token[2048] == pytest.approx(2 + 4 * 2048 * 4096 * 32 / n, rel=1e-3)  # the scores: 4·T·d a layer
    assert per_token[32768] > 4
    once, twice = flops(a, 1000), flops(a, 2000)
    assert {part: twice[part] / once[part] for part in once if once[part]} == {
        "self-attention": 2, "scores": 4, "feed-forward": 2, "output": 2,
    }  # fmt: skip


@pytest.mark.parametrize("family", ["gpt", "llama"])
def test_a_step_of_writing_costs_what_hugging_face_spends(family):
    a, make, config = TINY[family]
    model = make(config).eval()
    text = torch.ones(1, T, dtype=torch.long)
    kept = model(text[:, :-1], use_cache=True).past_key_values
    once = measured(lambda: model(text[:, -1:], cache=kept)).get_total_flops()
    assert total(step_flops(a, T)) == once
    again = measured(lambda: model(text, use_cache=False, logits_to_keep=1)).get_total_flops()
    assert total(step_flops(a, T, cached=False)) == again > once


@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("family", ["gpt", "llama"])
def test_writing_is_the_sum_of_its_steps(family, cached):
    a, *_ = TINY[family]
    steps = [step_flops(a, n, cached=cached) for n in range(1, 12)]
    assert writing_flops(a, 11, cached=cached) == {part: sum(step[part] for step in steps) for part in steps[0]}


def test_texts_are_added_until_the_memory_is_full():
    a, weight_bytes, bytes_per_number = TINY["llama"][0], 0.5, 3
    for memory in range(0, 20_000, 61):
        used, n = total(parameters(a)) * weight_bytes, 0
        while used + (n + 1) * total(cache_bytes(a, T, bytes_per_number)) <= memory:
            n += 1
        assert n_fitting(a, T, memory, bytes_per_number=bytes_per_number, weight_bytes=weight_bytes) == n
    assert n > 1
    llama = PRESETS["llama-7b"].architecture
    assert n_fitting(llama, 2048, 80e9) == int((80e9 - 2 * TOTALS["llama-7b"]) / 2**30) == 61  # 2,048 times 512 KiB a text
    assert n_fitting(llama, 2048, 8e9) == 0  # the weights alone are too large


@pytest.mark.parametrize("run", [step_flops, writing_flops, lambda a, n: n_fitting(a, n, 8e9)])
def test_writing_is_for_decoders_alone(run):
    for name, found in (("t5-base", "n_encoder=12 must be 0 and n_decoder=12"), ("bert-base", "n_encoder=12 must be 0 and n_decoder=0")):
        with pytest.raises(ValueError, match=rf"^{found} at least 1, a decoder alone; try PRESETS\['gpt2-xl'\]\.$"):
            run(PRESETS[name].architecture, 7)
    with pytest.raises(ValueError, match=r"^n_token=1025 must be at most n_position=1024"):
        run(PRESETS["gpt2-xl"].architecture, 1025)


# --- memory -------------------------------------------------------------------------------------------------------


def test_the_cache_holds_the_keys_and_values_that_a_decoder_has_made():
    decoder, both = (make(config).eval() for _, make, config in (TINY["llama"], TINY["t5"]))
    kept = decoder(torch.ones(1, S, dtype=torch.long), use_cache=True).past_key_values
    theirs = sum(x.numel() * x.element_size() for layer in kept.layers for x in (layer.keys, layer.values))
    assert cache_bytes(TINY["llama"][0], S, 4) == {"self-attention": theirs, "cross-attention": 0}
    kept = both(input_ids=torch.ones(1, S, dtype=torch.long), decoder_input_ids=torch.ones(1, T, dtype=torch.long), use_cache=True)
    own, cross = (
        sum(x.numel() * 4 for layer in cache.layers for x in (layer.keys, layer.values))
        for cache in (kept.past_key_values.self_attention_cache, kept.past_key_values.cross_attention_cache)
    )
    assert cache_bytes(TINY["t5"][0], T, 4, n_source=S) == {"self-attention": own, "cross-attention": cross}
    assert total(cache_bytes(PRESETS["bert-base"].architecture, 100)) == 0
    sizes = [total(cache_bytes(PRESETS[name].architecture, 1000)) for name in ("llama-7b", "llama3-8b")]
    assert sizes[0] == 4 * sizes[1]  # 8 heads of keys and values instead of 32


def saved_bytes(model, run):
    """What autograd keeps: each storage once, without parameters, integers, masks (zeros and −∞) and lone numbers."""
    parameters_at = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept = {}

    def keep(x):
        mask = x.dtype == torch.bool or bool(((x == 0) | (x == -torch.inf)).all())
        if x.is_floating_point() and x.numel() > 1 and not mask and x.untyped_storage().data_ptr() not in parameters_at:
            kept[x.untyped_storage().data_ptr()] = x  # alive, so that no two get the same address
        return x

    with saved_tensors_hooks(keep, lambda x: x):
        loss = run()
    assert loss.requires_grad
    return sum(x.untyped_storage().nbytes() for x in kept.values())


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("final_norm", [True, False])
def test_memory_of_our_transformer_is_what_autograd_keeps(fused, final_norm):
    config = replace(SMALL, final_norm=final_norm, pre_norm=final_norm)
    torch.manual_seed(0)
    model = Transformer(config).train()
    source, target = torch.randint(37, (B, S)), torch.randint(37, (B, T))
    mask = torch.ones(B, 1, T, dtype=torch.bool)

    def run():
        with sdpa_kernel(SDPBackend.FLASH_ATTENTION if fused else SDPBackend.MATH):
            return F.cross_entropy(model(source, target, target_mask=mask).flatten(0, 1), target.flatten())

    expected = activation_bytes(architecture(config), T, B, n_source=S, fused=fused)
    assert saved_bytes(model, run) == total(expected)


class Reader(nn.Module):
    """A decoder of our parts: learned positions, norms before."""

    def __init__(self, n_kv_head, make_feed_forward, norm):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(31, 30), Learned(13, 30)
        self.blocks = nn.ModuleList(
            EncoderBlock(
                MultiHeadAttention(30, 6, n_kv_head=n_kv_head), make_feed_forward(), lambda: Residual(norm(30), pre_norm=True, dropout=0.0)
            )
            for _ in range(2)
        )
        self.norm, self.output = norm(30), nn.Linear(30, 31, bias=False)

    def forward(self, tokens):
        x = self.positions.embed(self.embedding(tokens))
        for block in self.blocks:
            x = block(x)
        return self.output(self.norm(x))


@pytest.mark.parametrize(("make_feed_forward", "choice"), [
    (lambda: FeedForward(30, 29), {"activation": "relu"}),
    (lambda: FeedForward(30, 29, F.gelu), {"activation": "gelu"}),
    (lambda: GatedFeedForward(30, 29, bias=True), {"activation": "silu", "gated": True}),
    (lambda: GatedFeedForward(30, 29, F.relu, bias=True), {"activation": "relu", "gated": True}),
])  # fmt: skip
@pytest.mark.parametrize(("norm", "rms_norm"), [(nn.LayerNorm, False), (RMSNorm, True)])
@pytest.mark.parametrize("n_kv_head", [2, 6])
def test_memory_of_a_decoder_is_what_autograd_keeps(make_feed_forward, choice, norm, rms_norm, n_kv_head):
    torch.manual_seed(0)
    model, tokens = Reader(n_kv_head, make_feed_forward, norm), torch.randint(31, (B, S))
    a = Architecture(
        d_model=30,
        n_head=6,
        n_kv_head=n_kv_head,
        d_ff=29,
        n_decoder=2,
        vocab_size=31,
        n_position=13,
        rms_norm=rms_norm,
        output="own",
        **choice,
    )
    assert total(parameters(a)) == sum(p.numel() for p in model.parameters())
    kept = saved_bytes(model, lambda: F.cross_entropy(model(tokens).flatten(0, 1), tokens.flatten()))
    assert kept == total(activation_bytes(a, S, B))


def test_fused_attention_spares_the_square():
    a = PRESETS["gpt2-small"].architecture
    plain, fused = (activation_bytes(a, 1024, fused=fused) for fused in (False, True))
    assert plain["scores"] == 12 * 12 * 1024**2 * 4 and fused["scores"] == 12 * 12 * 1024 * 4
    assert {part for part in plain if plain[part] != fused[part]} == {"scores"}
    assert activation_bytes(a, 1024, 8, 2) == {part: 4 * n for part, n in fused.items()}


# --- errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Architecture(d_model=10, n_head=3, d_ff=1, n_encoder=1, vocab_size=1),
     "d_model=10 must be a multiple of n_head=3; try d_model=12, or give d_head."),
    (lambda: Architecture(d_model=12, n_head=6, n_kv_head=4, d_ff=1, n_encoder=1, vocab_size=1),
     "n_head=6 must be a multiple of n_kv_head=4; try n_kv_head=3."),
    (lambda: Architecture(d_model=12, n_head=6, d_ff=1, n_encoder=1, patch_size=4),
     "output='tied' needs a table of tokens and vocab_size=0; give vocab_size, or output='own'."),
    (lambda: flops(PRESETS["bert-base"].architecture, 513),
     "n_token=513 must be at most n_position=512, what was learned; try n_token=512."),
])  # fmt: skip
def test_errors_give_the_value_the_rule_and_a_repair(make, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole text is compared)
        make()
    assert str(caught.value) == message
