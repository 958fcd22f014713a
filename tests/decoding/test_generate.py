"""Writing: the same tokens and scores as Hugging Face's `generate`, with a cache or without, in batches of any lengths."""

import pytest
import torch
import transformers
from torch.testing import assert_close
from transformers.generation import logits_process

from d2lmini import decoding, interop, masks
from d2lmini.attention import recorded
from d2lmini.cache import KeyValues
from d2lmini.counting import Architecture, cache_bytes
from d2lmini.decoding import Cached, FastLlama, Rereading, beam_search, generate, greedy, sample, stream
from d2lmini.models.llama import Llama, LlamaConfig
from d2lmini.models.seq2seq import Seq2SeqConfig, Transformer

END = 2


def tokens(*shape, vocab_size=11, seed=0):
    return torch.randint(3, vocab_size, shape, generator=torch.Generator().manual_seed(seed))


def llama(seed, *, n_kv_head, scale=1.5, vocab_size=11):
    """A random model of Hugging Face and ours with its weights, in float64; large weights make sharp distributions, and ends."""
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        vocab_size=vocab_size, hidden_size=24, intermediate_size=37, num_hidden_layers=2, num_attention_heads=6,
        num_key_value_heads=n_kv_head,
        bos_token_id=1, eos_token_id=END, pad_token_id=0, max_position_embeddings=97, rms_norm_eps=1e-5, tie_word_embeddings=False,
    )  # fmt: skip
    theirs = transformers.LlamaForCausalLM(config).double().eval()
    for p in theirs.parameters():
        torch.nn.init.normal_(p, std=scale * p.shape[-1] ** -0.5)
    ours = Llama(
        LlamaConfig(vocab_size=vocab_size, d_model=24, n_head=6, n_kv_head=n_kv_head, n_layer=2, d_ff=37, norm_eps=1e-5, tied=False)
    )
    interop.copy_llama(ours.double().eval(), theirs)
    return ours, theirs


def translator(seed):
    """A random encoder–decoder of Hugging Face."""
    torch.manual_seed(seed)
    config = transformers.BartConfig(
        vocab_size=11, d_model=12, encoder_layers=1, decoder_layers=2, encoder_attention_heads=3, decoder_attention_heads=3,
        encoder_ffn_dim=19, decoder_ffn_dim=17, max_position_embeddings=53, bos_token_id=1, eos_token_id=END, pad_token_id=0,
        decoder_start_token_id=1, forced_eos_token_id=None,
    )  # fmt: skip
    model = transformers.BartForConditionalGeneration(config).double().eval()
    for p in model.parameters():
        torch.nn.init.normal_(p, std=1.5 * p.shape[-1] ** -0.5)
    return model


def generated(theirs, prompt, **settings):
    """Their new tokens, up to the end, and their scores."""
    settings = {"do_sample": False, "max_new_tokens": 13, "return_dict_in_generate": True, "output_scores": True, **settings}
    found = theirs.generate(prompt, attention_mask=torch.ones_like(prompt), **settings)
    start = 1 if theirs.config.is_encoder_decoder else prompt.shape[1]
    rows = found.sequences[:, start:].tolist()
    return [row[: row.index(END) + 1] if END in row else row for row in rows], getattr(found, "sequences_scores", None)


def reader_of(theirs, source):
    """Our reader of their encoder–decoder."""
    memory = theirs.get_encoder()(source).last_hidden_state

    def decode(target, memory):
        return theirs(decoder_input_ids=target, encoder_outputs=transformers.modeling_outputs.BaseModelOutput(memory)).logits

    return Rereading(decode, memory)


# --- parity with Hugging Face ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(25))
def test_a_decoder_writes_as_in_hugging_face(seed):
    ours, theirs = llama(seed, n_kv_head=(1, 2, 3, 6)[seed % 4])
    prompt = tokens(3, 5, seed=seed)
    expected, _ = generated(theirs, prompt)
    for reader in (Cached(ours), Rereading(ours), FastLlama(ours)):
        assert generate(reader, prompt, max_new=13, end=END) == expected
    penalty, width = (0.0, 0.6, 1.0, 2.0)[seed % 4], 2 + seed % 4
    expected, scores = generated(theirs, prompt, num_beams=width, length_penalty=penalty, num_return_sequences=2)
    for reader in (Cached(ours), Rereading(ours), FastLlama(ours)):
        found = beam_search(reader, prompt, width=width, max_new=13, end=END, length_penalty=penalty, n_best=2)
        best = [hypothesis for row in found for hypothesis in row]
        assert [hypothesis.tokens for hypothesis in best] == expected
        assert_close(torch.tensor([hypothesis.score for hypothesis in best]), scores, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("seed", range(25))
def test_an_encoder_decoder_writes_as_in_hugging_face(seed):
    theirs, source = translator(seed), tokens(2, 7, vocab_size=11, seed=seed)
    start = torch.ones(2, 1, dtype=torch.long)
    assert generate(reader_of(theirs, source), start, max_new=13, end=END) == generated(theirs, source)[0]
    expected, scores = generated(theirs, source, num_beams=3, length_penalty=1.3, num_return_sequences=3)
    found = beam_search(reader_of(theirs, source), start, width=3, max_new=13, end=END, length_penalty=1.3, n_best=3)
    best = [hypothesis for row in found for hypothesis in row]
    assert [hypothesis.tokens for hypothesis in best] == expected
    assert_close(torch.tensor([hypothesis.score for hypothesis in best]), scores, rtol=1e-5, atol=1e-5)


def test_these_models_do_end_and_do_disagree_with_greedy():
    ended = longer = 0
    for seed in range(10):
        ours, _ = llama(seed, n_kv_head=3)
        prompt = tokens(3, 5, seed=seed)
        likeliest = generate(Cached(ours), prompt, max_new=13, end=END)
        best = [row[0].tokens for row in beam_search(Cached(ours), prompt, width=4, max_new=13, end=END)]
        ended += sum(row[-1] == END for row in best)
        longer += sum(a != b for a, b in zip(best, likeliest, strict=True))
    assert ended >= 10, "without ends, the tests above would compare little"
    assert longer >= 10, "a beam search that were greedy would pass them"


WARPERS = [
    (decoding.temperature(0.7), logits_process.TemperatureLogitsWarper(0.7)),
    (decoding.top_k(5), logits_process.TopKLogitsWarper(5)),
    (decoding.top_p(0.83), logits_process.TopPLogitsWarper(0.83)),
    (decoding.top_p(0.05), logits_process.TopPLogitsWarper(0.05)),
    (decoding.min_p(0.13), logits_process.MinPLogitsWarper(0.13)),
    (decoding.repetition_penalty(1.7), logits_process.RepetitionPenaltyLogitsProcessor(1.7)),
]


@pytest.mark.parametrize(("ours", "theirs"), WARPERS, ids=[type(theirs).__name__ + str(i) for i, (_, theirs) in enumerate(WARPERS)])
def test_filters_equal_those_of_hugging_face(ours, theirs):
    scores, text = 2 * torch.randn(101, 31, generator=torch.Generator().manual_seed(0)), tokens(101, 7, vocab_size=31)
    expected = theirs(text, scores.clone())
    found = ours(scores, text.tolist())
    assert (expected != scores).any(), "the filter does something"
    assert_close(found, expected)


# --- the cache -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_kv_head", [1, 2, 6])
def test_every_reader_of_a_decoder_gives_the_same_scores(n_kv_head):
    ours, _ = llama(0, n_kv_head=n_kv_head)
    text = tokens(3, 83)  # beyond the first room of a cache
    expected = ours(text)
    for reader in (Rereading(ours), Cached(ours), FastLlama(ours)):
        for first, last in ((0, 5), (5, 6), (6, 7), (7, 70), (70, 83)):
            assert_close(reader.read(text[:, first:last]), expected[:, last - 1], rtol=0, atol=1e-11)
            if last == 7:
                rows = torch.tensor([2, 0, 0, 1])
                reader.keep(rows)
                text, expected = text[rows], expected[rows]
        text, expected = text[[1, 3, 0]], expected[[1, 3, 0]]


def test_a_fast_reader_normalizes_with_the_gains_and_eps_of_the_model():
    torch.manual_seed(0)
    ours = Llama(LlamaConfig(vocab_size=13, d_model=12, n_head=3, n_layer=1, d_ff=17, norm_eps=0.1)).double()
    for p in ours.parameters():
        torch.nn.init.normal_(p, std=0.3)
    text = tokens(2, 5)
    assert_close(FastLlama(ours).read(text), ours(text)[:, -1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("pre_norm", [False, True])
def test_the_transformer_of_2017_reads_its_memory_once(pre_norm):
    torch.manual_seed(0)
    config = Seq2SeqConfig(vocab_size=11, d_model=12, n_head=3, n_layer=2, d_ff=17, pre_norm=pre_norm, final_norm=pre_norm)
    model = Transformer(config).double().eval()
    source, target, mask = tokens(3, 7), tokens(3, 71, seed=1), masks.padding(torch.tensor([7, 4, 2]), 7)
    memory = model.encode(source, mask)
    expected = model.decode(target, memory, mask)
    cached, reread = Cached(model.decode, memory, mask), Rereading(model.decode, memory, mask)
    projected = []
    model.decoder[1].cross.key.register_forward_hook(lambda *_: projected.append(1))
    for first, last in ((0, 2), (2, 3), (3, 67), (67, 71)):
        assert_close(cached.read(target[:, first:last]), expected[:, last - 1], rtol=0, atol=1e-12)
        if last == 3:
            rows = torch.tensor([1, 1, 2])
            cached.keep(rows)
            reread.read(target[:, :3])
            reread.keep(rows)
            target, expected = target[rows], expected[rows]
    assert projected == [1, 1], "once by each reader"
    assert_close(reread.read(target[:, 3:]), expected[:, -1], rtol=0, atol=1e-12)


def test_a_watched_attention_may_not_run_with_a_cache():
    ours, _ = llama(0, n_kv_head=2)
    with recorded(ours), pytest.raises(ValueError, match="run the model without one"):
        Cached(ours).read(tokens(2, 3))


def test_the_cache_costs_what_the_arithmetic_says():
    ours, _ = llama(0, n_kv_head=2)
    reader = Cached(ours)
    reader.read(tokens(3, 7))
    sizes = Architecture(d_model=24, n_head=6, n_kv_head=2, d_ff=37, n_decoder=2, vocab_size=11)
    assert reader.cache.n_bytes() == 3 * sum(cache_bytes(sizes, 7, 8).values())


# --- writing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Rereading, Cached, FastLlama])
def test_texts_of_any_lengths_are_written_as_if_each_were_alone(kind):
    ours, _ = llama(2, n_kv_head=3)
    prompts = [tokens(n, seed=n).tolist() for n in (5, 1, 9, 2, 5)]
    alone = [generate(kind(ours), [prompt], max_new=17, end=END)[0] for prompt in prompts]
    assert generate(kind(ours), prompts, max_new=17, end=END) == alone
    assert len({len(text) for text in alone}) > 1, "some end before the others"


def test_a_stream_gives_each_token_as_it_comes():
    ours, _ = llama(3, n_kv_head=3)
    prompts = [[3, 4, 5], [6]]
    steps = list(stream(Cached(ours), prompts, max_new=4))
    assert [step[0] is None for step in steps] == [True, True, False, False, False, False], "two steps to read the longer prompt"
    assert [step[1] is None for step in steps] == [False, False, False, False, True, True]
    written = generate(Cached(ours), prompts, max_new=4)
    assert [[step[i] for step in steps if step[i] is not None] for i in (0, 1)] == written


def test_samples_follow_the_probabilities_that_the_filters_left():
    scores = torch.tensor([[0.0, 1.0, 2.0, 3.0, -1.0]])
    draw = sample(decoding.temperature(2.0), decoding.top_k(3), generator=torch.Generator().manual_seed(0))
    n = 40_000
    drawn = draw(scores.expand(n, -1), [[]] * n).bincount(minlength=5) / n
    expected = torch.tensor([0.0, *(torch.tensor([1.0, 2.0, 3.0]) / 2).softmax(dim=-1).tolist(), 0.0])
    assert_close(drawn, expected, rtol=0, atol=4 * (0.25 / n) ** 0.5)  # four standard deviations


def test_a_text_that_holds_nothing_is_not_punished():
    scores = torch.tensor([[1.0, -2.0]])
    assert_close(decoding.repetition_penalty(2.0)(scores, [[]]), scores)


def test_a_seed_repeats_a_text():
    ours, _ = llama(0, n_kv_head=2)

    def text(seed):
        return generate(Cached(ours), [[3, 4]], max_new=20, choose=sample(generator=torch.Generator().manual_seed(seed)))

    assert text(1) == text(1) != text(2)


def test_a_text_obeys_a_rule():
    ours, _ = llama(0, n_kv_head=2)
    rule = decoding.allow(lambda text: range(3, 7) if len(text) % 2 else [END + 7])
    written = generate(Cached(ours), [[3], [4]], max_new=6, choose=greedy(rule))
    assert all(3 <= token < 7 for row in written for token in row[::2])
    assert all(token == END + 7 for row in written for token in row[1::2])
    (best, *_), _ = beam_search(Cached(ours), [[3], [4]], width=3, max_new=6, filters=[rule])
    assert all(3 <= token < 7 for token in best.tokens[::2])
    scores = ours(torch.tensor([[3, *best.tokens]])).log_softmax(dim=-1)[0, :-1]
    total = scores.gather(-1, torch.tensor(best.tokens)[:, None]).sum().item() / 6
    assert best.score == pytest.approx(total, abs=1e-6), "what is forbidden does not change what the rest is worth"


def test_a_beam_as_wide_as_everything_finds_the_best_text():
    ours, _ = llama(1, n_kv_head=2)
    every = torch.cartesian_prod(*[torch.arange(11)] * 3)
    scores = ours(torch.cat([torch.full((len(every), 1), 3), every], dim=1)).log_softmax(dim=-1)[:, :-1]
    totals = scores.gather(-1, every[..., None]).sum(dim=(1, 2))
    (best,) = beam_search(Cached(ours), [[3]], width=121, max_new=3, length_penalty=0.0)[0]
    assert best.tokens == every[totals.argmax()].tolist()
    assert best.score == pytest.approx(totals.max().item(), abs=1e-6)


def test_a_nucleus_keeps_the_token_that_crosses_p_and_never_none():
    probabilities = torch.tensor([[0.1, 0.5, 0.4], [0.98, 0.01, 0.01]])
    kept = decoding.top_p(0.6)(probabilities.log(), [[], []]).isfinite()
    assert kept.tolist() == [[False, True, True], [True, False, False]]


ERRORS = [
    (lambda: decoding.temperature(0), "temperature=0 must be above 0; for the likeliest token always, choose greedy()"),
    (lambda: decoding.top_k(0), "k=0 must be at least 1"),
    (lambda: decoding.top_p(1.5), "p=1.5 must lie above 0 and up to 1"),
    (lambda: decoding.min_p(0.0), "p=0.0 must lie above 0"),
    (lambda: decoding.repetition_penalty(-1), "penalty=-1 must be above 0"),
    (lambda: decoding.allow(lambda text: [])(torch.zeros(1, 3), [[1]]), r"allowed\(\[1\]\) is empty"),
    (lambda: generate(Rereading(lambda x: x), [[1]], max_new=0), "max_new=0 must be at least 1"),
    (lambda: generate(Rereading(lambda x: x), [[]], max_new=1), "must hold at least one token"),
    (lambda: beam_search(Rereading(lambda x: x), [[1]], width=2, n_best=3, max_new=1), "n_best=3 must lie between 1 and width=2"),
    (lambda: beam_search(Rereading(lambda x: x), [[1], [1, 2]], width=2, max_new=1), r"lengths \[1, 2\] and must have one"),
    (lambda: KeyValues().held(), "holds nothing yet"),
]  # fmt: skip


@pytest.mark.parametrize(("work", "message"), ERRORS, ids=range(len(ERRORS)))
def test_errors_say_how_to_repair(work, message):
    with pytest.raises(ValueError, match=message):
        work()
