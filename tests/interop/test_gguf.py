"""A GGUF file in our LLaMA: the scores of Hugging Face; what is damaged or of another kind is refused."""

import gguf
import numpy as np
import pytest
import torch
import transformers
from torch.testing import assert_close

from d2lmini import interop
from d2lmini.tokenizers.byte_bpe import ALPHABET


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
    ours, tokenizer = interop.read_gguf(tmp_path / "small.gguf")
    text = torch.randint(258, (2, 11))
    with torch.no_grad():
        assert_close(ours.double()(text), theirs.double()(text).logits, rtol=0, atol=1e-6)  # their rotary table is in float32
    assert (ours.output.weight is ours.embedding.weight) == tied
    assert not ours.training and len(tokenizer) == 258
    again = interop.from_checkpoint(tmp_path / "small.gguf")
    assert all(torch.equal(a.double(), b) for a, b in zip(again.parameters(), ours.parameters(), strict=True))
    assert tokenizer.encode("abb<eos>", special=True) == [257, tokenizer.ids["b"], 0]


def test_another_rule_for_words_is_refused(tmp_path):
    write(tmp_path / "other.gguf", small(True), pre="llama-bpe")
    with pytest.raises(ValueError, match=r"tokenizer\.ggml\.pre='llama-bpe' must be 'smollm': .* try a file of SmolLM2\."):
        interop.read_gguf(tmp_path / "other.gguf")


def test_a_file_cut_anywhere_is_refused(tmp_path):
    write(tmp_path / "small.gguf", small(True))
    data = (tmp_path / "small.gguf").read_bytes()
    for end in [*range(0, 40, 3), *range(40, len(data) - 40, len(data) // 41), len(data) - 33]:  # at most 32 bytes fill the end
        (tmp_path / "cut.gguf").write_bytes(data[:end])
        with pytest.raises(ValueError, match=r"cut\.gguf must be a whole GGUF file: .*; download it again\.$"):
            interop.from_checkpoint(tmp_path / "cut.gguf")


def test_what_is_no_gguf_is_refused(tmp_path):
    (tmp_path / "other.gguf").write_bytes(b"GIF89a" + bytes(999))
    with pytest.raises(ValueError, match=r"other\.gguf must be a whole GGUF file: GGUF magic invalid; download it again\.$"):
        interop.from_checkpoint(tmp_path / "other.gguf")
