"""A GGUF file in our LLaMA: the scores of Hugging Face, the tokens of the published tokenizer, and Paris."""

import gguf
import numpy as np
import pytest
import tokenizers
import torch
import transformers
from tokenizers import decoders, models, pre_tokenizers
from torch.testing import assert_close
from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

from d2lmini.data.download import NotFetched, fetch
from d2lmini.decoding import Cached, generate
from d2lmini.models import pretrained
from d2lmini.tokenizers.byte_bpe import ALPHABET

TEXTS = (
    "In 1984, he didn't  pay 3,50 € for ½ loaf.", "L'été  2024\n\n  à Noël: 12½ %", "x²+y² = 25\t\tok ", "١٢ 一二 Ⅳ", "", "7", " 7 ",
    "naïve 🙂\r\n",
)  # fmt: skip
QUESTION = "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"


def write(path, theirs, **other):
    """A LLaMA of Hugging Face as llama.cpp stores it: rows of queries and keys in its own order, one token a byte and one merge."""
    c, writer = theirs.config, gguf.GGUFWriter(path, "llama")
    d_head = c.hidden_size // c.num_attention_heads
    for name, value in (("block_count", c.num_hidden_layers), ("embedding_length", c.hidden_size), ("vocab_size", c.vocab_size),
                        ("feed_forward_length", c.intermediate_size), ("attention.head_count", c.num_attention_heads),
                        ("attention.head_count_kv", c.num_key_value_heads)):  # fmt: skip
        writer.add_uint32(f"llama.{name}", value)
    writer.add_float32("llama.rope.freq_base", c.rope_parameters["rope_theta"])
    writer.add_float32("llama.attention.layer_norm_rms_epsilon", c.rms_norm_eps)
    told = {"model": "gpt2", "pre": "smollm"} | other
    for name, value in told.items():
        writer.add_string(f"tokenizer.ggml.{name}", value)
    writer.add_token_list(["<eos>", *ALPHABET, "ab"])
    writer.add_token_types([3] + [1] * 257)
    writer.add_token_merges(["a b"])
    writer.add_uint32("tokenizer.ggml.unknown_token_id", 0)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, c.num_hidden_layers)
    for name, weight in theirs.state_dict().items():
        if c.tie_word_embeddings and name == "lm_head.weight":
            continue
        array = weight.numpy()
        if "q_proj" in name or "k_proj" in name:  # as in convert_hf_to_gguf.py
            array = array.reshape(-1, 2, d_head // 2, array.shape[1]).swapaxes(1, 2).reshape(array.shape)
        writer.add_tensor(names.get_name(name, (".weight",)), np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def small(tied):
    torch.manual_seed(0)
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=258, hidden_size=60, intermediate_size=37, num_hidden_layers=3, num_attention_heads=6, num_key_value_heads=2,
        rms_norm_eps=1e-3, rope_parameters={"rope_type": "default", "rope_theta": 500.0}, tie_word_embeddings=tied,
    )).eval()  # fmt: skip
    for p in theirs.parameters():
        torch.nn.init.normal_(p, std=0.2)
    return theirs


@pytest.mark.parametrize("tied", [False, True])
def test_a_small_file_gives_the_scores_of_hugging_face(tmp_path, tied):
    theirs = small(tied)
    write(tmp_path / "small.gguf", theirs)
    ours, tokenizer = pretrained.read_gguf(tmp_path / "small.gguf")
    text = torch.randint(258, (2, 11))
    with torch.no_grad():
        assert_close(ours.double()(text), theirs.double()(text).logits, rtol=0, atol=1e-6)  # their rotary table is in float32
    assert (ours.output.weight is ours.embedding.weight) == tied
    assert not ours.training and len(tokenizer) == 258
    assert tokenizer.encode("abb<eos>", special=True) == [257, tokenizer.ids["b"], 0]


def test_another_rule_for_words_is_refused(tmp_path):
    write(tmp_path / "other.gguf", small(True), pre="llama-bpe")
    with pytest.raises(ValueError, match=r"tokenizer\.ggml\.pre='llama-bpe' must be 'smollm': .* try a file of SmolLM2\."):
        pretrained.read_gguf(tmp_path / "other.gguf")


def read_by_hugging_face(path):
    """The published sizes; names and order of rows as another library understands them."""
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(
        vocab_size=49_152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3,
        rms_norm_eps=1e-5, rope_parameters={"rope_type": "default", "rope_theta": 100_000.0}, tie_word_embeddings=True,
    )).eval()  # fmt: skip
    weights = load_gguf_checkpoint(path, return_tensors=True, model_to_load=theirs)["tensors"]
    assert theirs.load_state_dict(weights, strict=False).missing_keys == ["lm_head.weight"]  # the table again
    return theirs


# --- the published file ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def path():
    try:
        return fetch("smollm2")
    except NotFetched as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def published(path):
    return pretrained.read_gguf(path)


def test_tokens_are_those_of_the_published_rule(published):
    _, ours = published
    theirs = tokenizers.Tokenizer(models.BPE(vocab=dict(ours.ids), merges=list(ours.merges)))
    digits, words = pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
    theirs.pre_tokenizer, theirs.decoder = pre_tokenizers.Sequence([digits, words]), decoders.ByteLevel()
    for text in TEXTS:
        ids = ours.encode(text)
        assert ids == theirs.encode(text).ids
        assert ours.decode(ids) == text == theirs.decode(ids)


def test_a_byte_without_a_token_is_unknown_and_chat_marks_are_special(published):
    _, tokenizer = published
    assert tokenizer.encode("a\x06b") == [*tokenizer.encode("a"), 0, *tokenizer.encode("b")]
    ids = tokenizer.encode(QUESTION, special=True)
    assert [ids[0], ids.count(1), ids.count(2)] == [1, 2, 1]
    assert 1 not in tokenizer.encode(QUESTION)


def test_the_published_weights_give_the_scores_of_hugging_face(published, path):
    ours, tokenizer = published
    theirs = read_by_hugging_face(path)
    tokens = torch.tensor([tokenizer.encode("The cat sat on the mat, and the dog of 1984 lay down beside it.")])
    with torch.no_grad():
        assert_close(ours(tokens), theirs(tokens).logits, rtol=0, atol=2e-3)
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in theirs.parameters()) == 134_515_008


def test_the_capital_of_france(published):
    model, tokenizer = published
    answer = generate(Cached(model), [tokenizer.encode(QUESTION, special=True)], max_new=20, end=2)[0]
    assert "Paris" in tokenizer.decode(answer)
