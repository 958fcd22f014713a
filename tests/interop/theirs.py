"""Models of Hugging Face with random sizes and weights, in float64 all along, and how their gradients compare with ours."""

import copy
import random
from contextlib import contextmanager

import pytest
import torch
import transformers
from torch import nn
from torch.testing import assert_close
from transformers.models.llama import modeling_llama
from transformers.models.t5 import modeling_t5

from d2lmini import interop, masks

VOCAB = 23


class Double:
    """What their modules see as `torch`: where they write float32, they compute in float64."""

    float = float32 = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


@contextmanager
def in_double():
    """Their norms and rotary tables, which are in float32 whatever the weights, in float64 too."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (modeling_llama, modeling_t5):
            patch.setattr(module, "torch", Double())
        yield


def scrambled(model, seed=0, std=0.3):
    """The model in float64 with new weights, norms and biases too."""
    torch.manual_seed(seed)
    model = model.double().eval()
    for p in model.parameters():
        nn.init.normal_(p, std=std)
    return model


def sizes(seed, *, even=False):
    dice = random.Random(seed)
    n_head, d_head = dice.choice((1, 2, 3, 5)), dice.choice((4, 6, 10) if even else (2, 3, 5, 7))
    return dice, n_head, d_head, dice.choice((1, 2, 3)), dice.choice((11, 13, 29))


def bert(name="BertModel", seed=0, **other):
    """Without a padding token: theirs gets no gradient where it is looked up, ours is a token as the others."""
    dice, n_head, d_head, n_layer, d_ff = sizes(seed)
    config = transformers.BertConfig(
        vocab_size=VOCAB, hidden_size=n_head * d_head, num_attention_heads=n_head, num_hidden_layers=n_layer, intermediate_size=d_ff,
        max_position_embeddings=dice.choice((17, 19)), type_vocab_size=dice.choice((2, 3)), layer_norm_eps=1e-3, pad_token_id=None, **other,
    )  # fmt: skip
    return scrambled(getattr(transformers, name)(config), seed)


def gpt(name="GPT2LMHeadModel", seed=0, **other):
    dice, n_head, d_head, n_layer, d_ff = sizes(seed)
    make, inner = {
        "GPT2LMHeadModel": (transformers.GPT2Config, {"n_inner": dice.choice((None, d_ff))}),
        "OpenAIGPTLMHeadModel": (transformers.OpenAIGPTConfig, {}),
    }[name]
    named = {"n_embd": n_head * d_head, "n_head": n_head, "n_layer": n_layer, "n_positions": 19, "bos_token_id": 1, "eos_token_id": 1}
    config = make(vocab_size=VOCAB, layer_norm_epsilon=1e-3, **named | inner | other)
    return scrambled(getattr(transformers, name)(config), seed)


def t5(name="T5ForConditionalGeneration", seed=0, *, tied=None, **other):
    dice, n_head, d_head, n_layer, d_ff = sizes(seed)
    tied = bool(seed % 2) if tied is None else tied
    config = transformers.T5Config(
        vocab_size=VOCAB, d_model=dice.choice((7, 13)), num_heads=n_head, d_kv=d_head, num_layers=n_layer, d_ff=d_ff,
        relative_attention_num_buckets=dice.choice((8, 14)), relative_attention_max_distance=11, layer_norm_epsilon=1e-3,
        feed_forward_proj=dice.choice(("relu", "gated-gelu")), tie_word_embeddings=tied, **other,
    )  # fmt: skip
    return scrambled(untied(getattr(transformers, name)(config)), seed)


def untied(model):
    """With T5 1.1, transformers ties the output all the same, until a file says otherwise."""
    if isinstance(model, transformers.T5ForConditionalGeneration) and not model.config.scale_decoder_outputs:
        model.lm_head.weight = nn.Parameter(model.lm_head.weight.detach().clone())
    return model


def llama(name="LlamaForCausalLM", seed=0, **other):
    dice, n_head, d_head, n_layer, d_ff = sizes(seed, even=True)
    config = transformers.LlamaConfig(
        vocab_size=VOCAB, hidden_size=n_head * d_head, num_attention_heads=n_head, num_hidden_layers=n_layer, intermediate_size=d_ff,
        num_key_value_heads=dice.choice([n for n in range(1, n_head + 1) if n_head % n == 0]), tie_word_embeddings=bool(seed % 2),
        rope_parameters={"rope_type": "default", "rope_theta": dice.choice((500.0, 1_234.5))}, rms_norm_eps=1e-3, **other,
    )  # fmt: skip
    return scrambled(getattr(transformers, name)(config), seed)


MAKERS = {
    "BertModel": bert, "BertForPreTraining": bert, "BertForSequenceClassification": bert, "BertForTokenClassification": bert,
    "BertForQuestionAnswering": bert, "GPT2LMHeadModel": gpt, "OpenAIGPTLMHeadModel": gpt, "T5ForConditionalGeneration": t5,
    "LlamaForCausalLM": llama,
}  # fmt: skip


def texts(seed, n_token, lengths):
    """Random tokens, their mask in our convention, and in theirs."""
    tokens = torch.randint(VOCAB, (len(lengths), n_token), generator=torch.Generator().manual_seed(seed))
    mask = masks.padding(torch.tensor(lengths), n_token)
    return tokens, mask, mask[:, 0].long()


def assert_same(ours, theirs, *pairs, architecture=None, d_head=1):
    """Each pair of outputs, ours and theirs, is equal to 1e-9, and so is each parameter's gradient of a random mixture of them."""
    dice = torch.Generator().manual_seed(0)
    losses = [0, 0]
    for pair in pairs:
        assert_close(*pair, rtol=0, atol=1e-9)
        mixture = torch.randn(pair[0].shape, generator=dice, dtype=torch.float64)
        losses = [loss + (output * mixture).sum() for loss, output in zip(losses, pair, strict=True)]
    for loss in losses:
        loss.backward()
    slopes = copy.deepcopy(ours)
    for slope, p in zip(slopes.parameters(), ours.parameters(), strict=True):
        slope.data = p.grad if p.grad is not None else torch.zeros_like(p)
    _, state = interop.to_huggingface(slopes, architecture)
    for name, p in theirs.named_parameters():
        chain = d_head if name.endswith(".q.weight") else 1  # T5: √d_head of the chain rule, and √d_head of to_huggingface
        expected = torch.zeros_like(p) if p.grad is None else p.grad
        assert_close(state[name] * chain, expected, rtol=0, atol=1e-9, msg=f"the gradients of {name} must be equal")
    assert any(p.grad.abs().max() > 0.1 for p in theirs.parameters() if p.grad is not None)
