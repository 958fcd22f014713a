"""Heads for fine-tuning: scores and gradients of Hugging Face's three classes."""

import pytest
import torch
from torch.testing import assert_close

from d2lmini import interop
from d2lmini.models.bert import Bert, BertConfig
from d2lmini.models.gpt import GPT, GPTConfig
from d2lmini.models.heads import Head
from tests.interop.theirs import assert_same, bert, texts

OUTPUTS = {"BertForSequenceClassification": 5, "BertForTokenClassification": 3, "BertForQuestionAnswering": 2}


@pytest.mark.parametrize("name", OUTPUTS)
@pytest.mark.parametrize("seed", range(6))
def test_equals_hugging_face(name, seed):
    theirs = bert(name, seed, num_labels=OUTPUTS[name])
    ours = interop.from_huggingface(theirs)
    tokens, mask, ones = texts(seed, 11, [11, 3, 7])
    segments = torch.randint(2, tokens.shape)
    expected = theirs(tokens, attention_mask=ones, token_type_ids=segments)
    scores = ours(tokens, segments, mask)
    if name == "BertForQuestionAnswering":
        pairs = [(scores[..., 0], expected.start_logits), (scores[..., 1], expected.end_logits)]
    else:
        pairs = [(scores, expected.logits)]
    assert_same(ours, theirs, *pairs, architecture=name)
    assert scores.shape == ((3, 5) if name == "BertForSequenceClassification" else (3, 11, OUTPUTS[name]))


def test_a_head_learns_and_its_body_with_it():
    torch.manual_seed(0)
    body = Bert(BertConfig(vocab_size=13, d_model=6, n_head=3, n_layer=1, d_ff=11, n_position=7))
    model = Head(body, 5, read=body.whole)
    model(torch.randint(13, (2, 7))).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for name, p in model.named_parameters() if "key.bias" not in name)
    assert abs(model.scores.weight.std().item() - 0.02) < 0.008 and model.scores.bias.abs().max() == 0


def test_what_is_read_is_a_choice():
    """The mean of the vectors with a body that is no BERT: W · mean(x) by hand."""
    torch.manual_seed(0)

    class Reader(GPT):
        forward = GPT.vectors

    body = Reader(GPTConfig(vocab_size=13, d_model=6, n_head=3, n_layer=1, d_ff=11, n_position=7))
    model, tokens = Head(body, 2, read=lambda x: x.mean(dim=1)), torch.randint(13, (3, 5))
    expected = body.vectors(tokens).mean(dim=1) @ model.scores.weight.T + model.scores.bias
    assert_close(model(tokens), expected)


def test_dropout_comes_between():
    body = Bert(BertConfig(vocab_size=13, d_model=6, n_head=3, n_layer=1, d_ff=11, n_position=7))
    model = Head(body, 2, dropout=1.0).train()
    assert model(torch.zeros(1, 3, dtype=torch.long)).abs().max() == 0, "all is dropped, and the bias is 0"
