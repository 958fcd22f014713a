"""Every family there and back, weight for weight; LLaMA to 1e-9; what does not fit is named."""

import re

import pytest
import torch
import transformers
from torch import nn
from torch.testing import assert_close

from d2lmini import interop
from d2lmini.interop.huggingface import build
from d2lmini.models.bert import Bert, BertConfig
from d2lmini.models.gpt import GPT, GPTConfig
from d2lmini.models.heads import Head
from d2lmini.models.seq2seq import Seq2SeqConfig, Transformer
from tests.interop.theirs import MAKERS, assert_same, bert, gpt, in_double, llama, t5, texts, untied


def parts(theirs):
    return type(theirs).__name__, theirs.config.to_dict(), theirs.state_dict()


@pytest.mark.parametrize("seed", range(6))
def test_llama_equals_hugging_face_to_the_last_digits(seed):
    """Where their norms and rotary tables are in float64 as well."""
    theirs = llama(seed=seed)
    ours = interop.from_huggingface(theirs)
    tokens, mask, ones = texts(seed, 13, [13, 5, 8])
    with in_double():
        again = llama(seed=seed)  # its table of angles was made when it was
        again.load_state_dict(theirs.state_dict())
        assert_same(ours, again, (ours(tokens, mask), again(tokens, attention_mask=ones).logits))
    assert (ours.output.weight is ours.embedding.weight) == bool(seed % 2)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("seed", range(6))
def test_there_and_back_not_a_digit_is_lost(name, seed):
    """But in the queries of T5: multiplied and divided by √d_head, which rounds unless it is 2 or 4 or 8."""
    theirs = MAKERS[name](name, seed)
    ours = interop.from_huggingface(theirs)
    told, state = interop.to_huggingface(ours, name)
    assert told["architectures"] == [name]
    again = untied(getattr(transformers, name)(type(theirs.config)(**told))).double().eval()
    again.load_state_dict(state)  # strict
    expected = theirs.state_dict()
    assert list(again.state_dict()) == list(expected)
    for key, weight in again.state_dict().items():
        assert_close(weight, expected[key], rtol=5e-16 if key.endswith(".q.weight") else 0, atol=0)
    back = interop.from_huggingface(again)
    assert getattr(back, "body", back).config == getattr(ours, "body", ours).config
    for (key, weight), (other, found) in zip(ours.state_dict().items(), back.state_dict().items(), strict=True):
        assert key == other
        assert_close(found, weight, rtol=1e-15 if "query" in key else 0, atol=0)


@pytest.mark.parametrize("name", ["BertModel", "GPT2LMHeadModel", "T5ForConditionalGeneration", "LlamaForCausalLM"])
def test_a_trained_model_of_ours_computes_the_same_in_their_class(name):
    ours = interop.from_huggingface(MAKERS[name](name, 3))
    with torch.no_grad():
        for p in ours.parameters():
            p.add_(torch.randn_like(p), alpha=0.1)
    told, state = interop.to_huggingface(ours)
    tokens, mask, ones = texts(3, 11, [11, 4])
    with in_double():
        theirs = untied(getattr(transformers, name)(getattr(transformers, name).config_class(**told))).double().eval()
        theirs.load_state_dict(state)
        if name.startswith("T5"):
            expected, found = theirs(tokens, attention_mask=ones, decoder_input_ids=tokens).logits, ours(tokens, tokens, mask)
        else:
            expected = theirs(tokens, attention_mask=ones)[0]
            found = ours(tokens, mask=mask)
    assert_close(found, expected, rtol=0, atol=1e-9)


def test_weights_are_copies_and_no_dice_are_thrown():
    theirs = gpt()
    before = torch.get_rng_state()
    ours = interop.from_huggingface(theirs)
    assert torch.equal(before, torch.get_rng_state())
    kept = {name: weight.clone() for name, weight in ours.state_dict().items()}
    with torch.no_grad():
        for p in theirs.parameters():
            p.zero_()
    assert all(torch.equal(weight, kept[name]) and weight.abs().max() > 0 for name, weight in ours.state_dict().items())
    assert not ours.training and all(p.requires_grad and p.is_contiguous() for p in ours.parameters())


def test_precision_is_theirs():
    assert {p.dtype for p in interop.from_huggingface(t5().bfloat16()).parameters()} == {torch.bfloat16}


def test_a_llama_is_copied_into_one_that_exists():
    theirs = llama(seed=1)
    ours = type(interop.from_huggingface(theirs))(interop.from_huggingface(theirs).config)
    first = ours.embedding.weight
    interop.copy_llama(ours, theirs)
    assert ours.embedding.weight is first is ours.output.weight and first.dtype == torch.float32
    assert_close(first.double(), theirs.model.embed_tokens.weight, rtol=1e-6, atol=0)


def test_a_pooler_that_no_head_reads_is_left_behind():
    body = Bert(BertConfig(vocab_size=13, d_model=6, n_head=3, n_layer=1, d_ff=11, n_position=7))
    told, state = interop.to_huggingface(Head(body, 2), "BertForQuestionAnswering")
    theirs = transformers.BertForQuestionAnswering(transformers.BertConfig(**told))
    theirs.load_state_dict(state)
    back = interop.from_huggingface(theirs)
    assert not back.body.config.pooler and back.read is None


# --- files of another time ------------------------------------------------------------------------------------------


def test_names_without_their_beginning_and_buffers_are_understood():
    """As in the published file of GPT-2."""
    name, told, state = parts(gpt())
    old = {key.removeprefix("transformer."): weight for key, weight in state.items() if key != "lm_head.weight"}
    old |= {"h.0.attn.bias": torch.ones(1, 1, 19, 19), "h.0.attn.masked_bias": torch.tensor(-1e4)}
    tokens = torch.randint(23, (2, 7))
    assert_close(build(name, told, old)(tokens), build(name, told, state)(tokens), rtol=0, atol=0)


def test_gamma_and_beta_are_understood():
    """As in the published file of BERT, which calls itself a `BertForMaskedLM` and holds both heads."""
    _, told, state = parts(bert("BertForPreTraining"))
    old = {re.sub("LayerNorm.weight$", "LayerNorm.gamma", re.sub("LayerNorm.bias$", "LayerNorm.beta", key)): w for key, w in state.items()}
    old = {key: weight for key, weight in old.items() if "decoder" not in key}
    assert sum("gamma" in key for key in old) > 2
    found, expected = build("BertForMaskedLM", told, old), build("BertForPreTraining", told, state)
    assert all(torch.equal(a, b) for a, b in zip(found.parameters(), expected.parameters(), strict=True))


def test_older_spellings_of_rotary_positions():
    name, told, state = parts(llama())
    told["rope_theta"] = 321.0
    for rope in (None, {"type": "default"}):
        assert build(name, told | {"rope_parameters": None, "rope_scaling": rope}, state).config.rope_base == 321.0


@pytest.mark.parametrize("tied", [True, False])
def test_the_older_spelling_of_a_tied_t5(tied):
    name, told, state = parts(t5(seed=3, tied=tied))
    del told["scale_decoder_outputs"]
    assert build(name, told | {"tie_word_embeddings": tied}, state).config.tied == tied


def test_sizes_that_an_old_file_leaves_out_have_their_defaults():
    name, told, state = parts(gpt())
    del told["n_inner"], told["layer_norm_epsilon"], told["resid_pdrop"]
    with pytest.raises(ValueError, match="must fit GPT"):  # the file has another d_ff
        build(name, told | {"n_inner": 7}, state)
    d_model = told["n_embd"]
    state |= {f"transformer.h.{i}.mlp.c_fc.weight": torch.zeros(d_model, 4 * d_model).double() for i in range(told["n_layer"])}
    state |= {f"transformer.h.{i}.mlp.c_fc.bias": torch.zeros(4 * d_model).double() for i in range(told["n_layer"])}
    state |= {f"transformer.h.{i}.mlp.c_proj.weight": torch.zeros(4 * d_model, d_model).double() for i in range(told["n_layer"])}
    config = build(name, told, state).config
    assert (config.d_ff, config.norm_eps, config.dropout) == (4 * d_model, 1e-5, 0.0)


# --- what does not fit ----------------------------------------------------------------------------------------------


def test_every_misfit_is_named_and_counted_with_both_shapes():
    theirs = gpt(seed=4, n_layer=5)
    name, told, state = parts(theirs)
    d = theirs.config.n_embd
    for i in range(5):
        del state[f"transformer.h.{i}.ln_1.bias"]
    state["what"] = state["else"] = torch.zeros(1)
    state["transformer.h.3.attn.c_attn.weight"] = torch.zeros(3 * d, d)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole text is compared)
        build(name, told, state)
    assert str(caught.value) == (
        "the weights must fit GPT, and of them "
        "5 missing (transformer.h.0.ln_1.bias, transformer.h.1.ln_1.bias, transformer.h.2.ln_1.bias, …), "
        f"2 unexpected (what, else), "
        f"1 of another shape (transformer.h.3.attn.c_attn.weight: ({3 * d}, {d}) instead of ({d}, {3 * d})); "
        "are they of the same model as the configuration?"
    )


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_no_numbers_are_refused(bad):
    theirs = t5()
    theirs.shared.weight.data[3, 2] = bad
    with pytest.raises(ValueError, match=r"shared\.weight must hold finite numbers, and is NaN or infinite 1 times in \d+; try another"):
        interop.from_huggingface(theirs)


def test_rounded_weights_are_refused():
    name, told, state = parts(gpt())
    state["transformer.wte.weight"] = state["transformer.wte.weight"].to(torch.int8)
    with pytest.raises(ValueError, match=r"transformer\.wte\.weight must hold finite numbers, and is of type torch\.int8"):
        build(name, told, state)


@pytest.mark.parametrize(
    ("theirs", "key"),
    [
        (gpt(), "lm_head.weight"), (t5(tied=True), "lm_head.weight"), (t5(), "encoder.embed_tokens.weight"),
        (llama(seed=1), "lm_head.weight"), (bert("BertForPreTraining"), "cls.predictions.decoder.bias"),
    ],
)  # fmt: skip
def test_two_weights_where_ours_has_one_are_refused(theirs, key):
    name, told, state = parts(theirs)
    with pytest.raises(
        ValueError, match=rf"^{re.escape(key)} must repeat \S+: in \w+ they are one weight; try a checkpoint that ties them\.$"
    ):
        build(name, told, state | {key: state[key] + 1})


REFUSED = [
    (bert, {"hidden_act": "relu"}, "hidden_act='relu' must be 'gelu': BertConfig describes nothing else; try another checkpoint."),
    (bert, {"position_embedding_type": "relative_key"}, "position_embedding_type='relative_key' must be 'absolute'"),
    (bert, {"is_decoder": True}, "is_decoder=True must be False"),
    (bert, {"quantization_config": {"bits": 4}}, "quantization_config={'bits': 4} must be None"),
    (bert, {"hidden_size": "8"}, "hidden_size='8' must be a whole number, at least 1, in the configuration; is this config.json whole?"),
    (bert, {"hidden_size": None}, "hidden_size=None must be a whole number"),
    (bert, {"num_hidden_layers": 2.5}, "num_hidden_layers=2.5 must be a whole number"),
    (bert, {"vocab_size": True}, "vocab_size=True must be a whole number"),
    (bert, {"num_attention_heads": 0}, "num_attention_heads=0 must be a whole number, at least 1"),
    (bert, {"layer_norm_eps": "1e-5"}, "layer_norm_eps='1e-5' must be a number, at least 0"),
    (gpt, {"activation_function": "gelu"}, "activation_function='gelu' must be 'gelu_new' or 'gelu_pytorch_tanh': GPTConfig describes"),
    (gpt, {"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx=True must be False"),
    (gpt, {"scale_attn_weights": False}, "scale_attn_weights=False must be True"),
    (t5, {"feed_forward_proj": "gated-silu"}, "feed_forward_proj='gated-silu' must be 'relu' or 'gated-gelu'"),
    (t5, {"num_decoder_layers": 7}, "num_decoder_layers=7 must be num_layers="),
    (llama, {"hidden_act": "gelu"}, "hidden_act='gelu' must be 'silu'"),
    (llama, {"attention_bias": True}, "attention_bias=True must be False"),
    (llama, {"mlp_bias": True}, "mlp_bias=True must be False"),
    (llama, {"rope_parameters": {"rope_type": "llama3", "factor": 8.0}}, "rope_type='llama3' must be 'default': our Rotary"),
    (llama, {"rope_parameters": None, "rope_scaling": {"type": "linear"}}, "rope_type='linear' must be 'default'"),
    (llama, {"head_dim": 64}, "head_dim=64 must be hidden_size="),
]  # fmt: skip


@pytest.mark.parametrize(("make", "change", "message"), REFUSED, ids=[f"{make.__name__}-{next(iter(c))}" for make, c, _ in REFUSED])
def test_a_configuration_that_our_code_does_not_compute_is_refused(make, change, message):
    name, told, state = parts(make())
    with pytest.raises(ValueError, match=re.escape(message)):
        build(name, told | change, state)


def test_the_first_gpt_has_one_activation():
    name, told, state = parts(gpt("OpenAIGPTLMHeadModel"))
    with pytest.raises(ValueError, match="afn='relu' must be 'gelu'"):
        build(name, told | {"afn": "relu"}, state)


def test_another_architecture_is_refused():
    class GPTJForCausalLM(nn.Module):
        config = transformers.GPTJConfig()

    with pytest.raises(
        ValueError, match=r"architecture='GPTJForCausalLM' must be one of BertModel, BertForPreTraining, .*, LlamaForCausalLM;"
    ):
        interop.from_huggingface(GPTJForCausalLM())


SMALL = {"vocab_size": 13, "d_model": 6, "n_head": 3, "n_layer": 2, "d_ff": 11, "n_position": 7}
OURS_ALONE = [
    (lambda: GPT(GPTConfig(**SMALL, window=3)), "window=3 must be None: neither GPT2LMHeadModel nor OpenAIGPTLMHeadModel has"),
    (lambda: GPT(GPTConfig(**SMALL, pre_norm=False)), "d_ff=11 must be 4 d_model=24: OpenAIGPTLMHeadModel has no other"),
    (lambda: Head(Bert(BertConfig(**SMALL)), 2, read=lambda x: x.mean(dim=1)), "read must be the body's `whole`, with a pooler, or None"),
    (lambda: Head(GPT(GPTConfig(**SMALL)), 2), "ours=Head must be one of Bert, BertPretraining, T5, Llama, GPT, or a Head on a Bert"),
    (lambda: Transformer(Seq2SeqConfig(vocab_size=13, d_model=6, n_head=3, n_layer=1, d_ff=11)), "ours=Transformer must be one of Bert"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "message"), OURS_ALONE, ids=range(len(OURS_ALONE)))
def test_what_hugging_face_does_not_have_is_refused(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        interop.to_huggingface(make())


def test_a_class_that_would_compute_something_else_is_refused():
    body = Bert(BertConfig(**SMALL))
    for ours, wanted, found in (
        (Head(body, 2, read=body.whole), "BertForQuestionAnswering", "BertForSequenceClassification"),
        (Head(body, 3), "BertForQuestionAnswering", "BertForTokenClassification"),
        (GPT(GPTConfig(**SMALL)), "OpenAIGPTLMHeadModel", "GPT2LMHeadModel"),
    ):
        with pytest.raises(ValueError, match=f"^architecture='{wanted}' must be '{found}', which computes what this (Head|GPT) does"):
            interop.to_huggingface(ours, wanted)
