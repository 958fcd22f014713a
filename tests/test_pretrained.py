"""Published models in ours: the scores, vectors and tokens of the libraries that they were made for, and Paris."""

import unicodedata

import pytest
import tokenizers
import torch
import torch.nn.functional as F
import transformers
from tokenizers import decoders, models, pre_tokenizers
from torch.testing import assert_close
from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

from d2lmini import interop, masks, pretrained
from d2lmini.data.download import NotFetched, fetch
from d2lmini.decoding import Cached, generate
from tests.tokenizers.samples import CHAPTERS, CHARACTERS, PYTHON, random_texts

SETTLED = [  # characters that are since 2002 what they are: the library's tables are older than Python's
    c for c in CHARACTERS if (ord(c) < 0x3400 or ord(c) % 97 == 0) and unicodedata.category(c) == unicodedata.ucd_3_2_0.category(c)
]
TEXTS = (
    "In 1984, he didn't  pay 3,50 € for ½ loaf.", "L'été  2024\n\n  à Noël: 12½ %", "x²+y² = 25\t\tok ", "١٢ 一二 Ⅳ", "", "7", " 7 ",
    "naïve 🙂\r\n",
)  # fmt: skip
QUESTION = "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"


# --- SmolLM2 ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def path():
    try:
        return fetch("smollm2")
    except NotFetched as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def published(path):
    return pretrained.smollm2()


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


def test_the_published_weights_are_those_that_hugging_face_reads(published, path):
    ours, _ = published
    told, state = interop.to_huggingface(ours)
    published_sizes = {
        "vocab_size": 49_152, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
        "num_key_value_heads": 3, "rope_theta": 100_000.0, "tie_word_embeddings": True,
    }  # fmt: skip
    assert told | published_sizes == told and told["rms_norm_eps"] == pytest.approx(1e-5)
    with torch.device("meta"):
        theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(**told))
    weights = load_gguf_checkpoint(path, return_tensors=True, model_to_load=theirs)["tensors"]
    assert weights.keys() == state.keys() - {"lm_head.weight"}  # the table again
    assert all(torch.equal(weight, state[name]) for name, weight in weights.items())
    assert sum(p.numel() for p in ours.parameters()) == 134_515_008


def test_through_our_export_their_class_chooses_the_same_token_200_times(published):
    ours, tokenizer = published
    told, state = interop.to_huggingface(ours)
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(**told)).eval()
    theirs.load_state_dict(state)
    tokens = torch.tensor([tokenizer.encode(PYTHON[0])[:200]])
    with torch.no_grad():
        found, expected = ours(tokens), theirs(tokens).logits
    assert found.shape == (1, 200, 49_152)
    assert torch.equal(found.argmax(dim=-1), expected.argmax(dim=-1))
    assert_close(found, expected, rtol=0, atol=1e-3)


def test_the_capital_of_france(published):
    model, tokenizer = published
    answer = generate(Cached(model), [tokenizer.encode(QUESTION, special=True)], max_new=20, end=2)[0]
    assert "Paris" in tokenizer.decode(answer)


# --- MiniLM -----------------------------------------------------------------------------------------

SENTENCES = ["A cat sleeps on the sofa.", "A feline is napping on the couch!", "The central bank raised its interest rates."]


@pytest.fixture(scope="module")
def folder():
    try:
        return fetch("minilm")
    except NotFetched as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def encoder(folder):
    return pretrained.minilm()


def read_together(tokenizer, texts):
    """Token numbers between [CLS] and [SEP], filled with [PAD], and the mask of what is no filling."""
    rows = [[tokenizer.ids["[CLS]"], *tokenizer.encode(text), tokenizer.ids["[SEP]"]] for text in texts]
    lengths = torch.tensor([len(row) for row in rows])
    tokens = torch.tensor([row + [tokenizer.ids["[PAD]"]] * (int(lengths.max()) - len(row)) for row in rows])
    return tokens, masks.padding(lengths, tokens.shape[1])


def test_sentence_vectors_are_those_of_hugging_face(encoder, folder):
    ours, tokenizer = encoder
    theirs = transformers.BertModel.from_pretrained(folder).eval()
    tokens, mask = read_together(tokenizer, [*SENTENCES, PYTHON[0][:1500]])
    with torch.no_grad():
        both = ours(tokens, mask=mask), theirs(tokens, attention_mask=mask[:, 0].long()).last_hidden_state
    inside = mask.transpose(1, 2)
    found, expected = (F.normalize((x * inside).sum(dim=1) / inside.sum(dim=1), dim=-1) for x in both)
    assert_close(found, expected, rtol=0, atol=1e-5)
    similarity = (found @ found.T)[0].tolist()
    assert similarity[0] == pytest.approx(1, abs=1e-5) and similarity[1] > 0.6 > 0.2 > similarity[2]
    assert not ours.training and not any(p.requires_grad for p in ours.parameters())
    assert sum(p.numel() for p in ours.parameters()) == 22_713_216


def test_wordpieces_are_those_of_the_library(encoder, folder):
    _, ours = encoder
    theirs = tokenizers.BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True)
    paragraphs = [paragraph for text in [*CHAPTERS, *PYTHON] for paragraph in text.split("\n\n")][:1500]
    alone = [f"a{c}b {c}" for c in SETTLED]
    for text in [
        *paragraphs,
        *alone,
        *random_texts(1_000, 3, SETTLED),
        *TEXTS,
        "ΣΊΣΥΦΟΣ İstanbul ﬁn",
        "東京の 𠀀\x00\ufffd\u200b\tA\u0301b",
        "a" * 101,
    ]:
        assert ours.encode(text) == theirs.encode(text, add_special_tokens=False).ids
    assert len(ours) == theirs.get_vocab_size() == 30_522
    assert ours.split("Éléphants, unaffable") == ["elephants", ",", "una", "##ffa", "##ble"]
    assert ours.decode(ours.encode("[CLS] Noël", special=True)) == "noel"


def test_an_uncased_tokenizer_is_saved_as_any_other(encoder, tmp_path):
    _, ours = encoder
    ours.save(tmp_path / "words.json")
    assert type(ours).load(tmp_path / "words.json") == ours
