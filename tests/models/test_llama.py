"""LLaMA: the same scores as Hugging Face's, whatever the groups of heads; blind to the future."""

import pytest
import torch
import transformers
from torch.testing import assert_close

from d2lmini import interop
from d2lmini.models.llama import Llama, LlamaConfig


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize(("h", "n_kv_head", "d_head"), [(2, 2, 6), (3, 1, 4), (6, 2, 2), (5, 5, 8)])
def test_equals_hugging_face(tied, h, n_kv_head, d_head):
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=23, hidden_size=h * d_head, intermediate_size=37, num_hidden_layers=3, num_attention_heads=h,
        num_key_value_heads=n_kv_head,
        rms_norm_eps=1e-3, rope_parameters={"rope_type": "default", "rope_theta": 500.0}, tie_word_embeddings=tied,
    )  # fmt: skip
    theirs = transformers.LlamaForCausalLM(config).double().eval()
    for p in theirs.parameters():
        torch.nn.init.normal_(p, std=0.3)
    ours = Llama(LlamaConfig(
        vocab_size=23, d_model=h * d_head, n_head=h, n_kv_head=n_kv_head, n_layer=3, d_ff=37, rope_base=500.0, norm_eps=1e-3, tied=tied,
    )).double()  # fmt: skip
    interop.copy_llama(ours, theirs)
    text = torch.randint(23, (2, 11))
    assert_close(ours(text), theirs(text).logits, rtol=0, atol=1e-6)  # their rotary table is rounded to float32
    assert (ours.output.weight is ours.embedding.weight) == tied


def test_the_future_does_not_move_the_past():
    torch.manual_seed(0)
    model = Llama(LlamaConfig(vocab_size=13, d_model=12, n_head=3, n_layer=2, d_ff=17)).double().eval()
    text = torch.randint(13, (1, 7))
    changed = text.clone()
    changed[0, 4] = (changed[0, 4] + 1) % 13
    moved = (model(text) - model(changed)).abs().amax(dim=-1)[0] > 1e-9
    assert moved.tolist() == [False] * 4 + [True] * 3
