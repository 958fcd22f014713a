"""Files there and back with the library that reads them most; damaged ones say so; a pickle is never opened."""

import json
import pickle
import re
import struct

import huggingface_hub
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from d2lmini import interop
from d2lmini.data.download import NotFetched
from d2lmini.models.bert import Bert
from d2lmini.models.gpt import GPT
from tests.interop.theirs import MAKERS, bert, gpt, in_double, t5, texts

TOKENS, MASK, ONES = texts(0, 11, [11, 4])


def scores(model, name):
    """What comes first out of a model, theirs or ours."""
    ours = not isinstance(model, transformers.PreTrainedModel)
    with torch.no_grad(), in_double():
        if name.startswith("T5"):
            return model(TOKENS, TOKENS, MASK) if ours else model(TOKENS, attention_mask=ONES, decoder_input_ids=TOKENS).logits
        found = (
            model(*((TOKENS, None, MASK) if name.startswith("Bert") else (TOKENS, MASK))) if ours else model(TOKENS, attention_mask=ONES)
        )
        first = found if isinstance(found, torch.Tensor) else found[0]
        return first[..., 0] if ours and name == "BertForQuestionAnswering" else first


@pytest.fixture
def saved(tmp_path):
    """A folder that their library wrote."""
    gpt().float().save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", MAKERS)
def test_what_they_save_we_read_and_what_we_save_they_read(name, tmp_path):
    theirs = MAKERS[name](name, 3)
    theirs.save_pretrained(tmp_path / "theirs")
    ours = interop.from_checkpoint(tmp_path / "theirs")
    tolerance = {"rtol": 0, "atol": 1e-6 if name.startswith("Llama") else 1e-9}  # rotary tables
    assert_close(scores(ours, name), scores(theirs, name), **tolerance)
    interop.save_checkpoint(ours, tmp_path / "ours", name)
    assert_close(scores(interop.from_checkpoint(tmp_path / "ours"), name), scores(ours, name), rtol=0, atol=1e-12)
    with in_double():
        again, told = getattr(transformers, name).from_pretrained(tmp_path / "ours", dtype=torch.float64, output_loading_info=True)
    assert not any(told.values()), "nothing missing, unexpected, or of another shape"
    assert_close(scores(again, name), scores(theirs, name), **tolerance)
    assert len(load_file(tmp_path / "ours" / "model.safetensors")) == len(load_file(tmp_path / "theirs" / "model.safetensors"))


@pytest.mark.parametrize("tied", [True, False])
def test_both_versions_of_t5_survive_their_own_way_of_saving(tied, tmp_path):
    """transformers 5 writes `tie_word_embeddings: true` for both, and tells them apart by another key."""
    theirs = t5(seed=3, tied=tied)
    theirs.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["tie_word_embeddings"] is True
    ours = interop.from_checkpoint(tmp_path)
    assert ours.config.tied == tied
    assert_close(scores(ours, "T5"), scores(theirs, "T5"), rtol=0, atol=1e-9)


def test_shards_are_put_together(tmp_path):
    theirs = gpt(seed=4).float()
    theirs.save_pretrained(tmp_path, max_shard_size="3KB")
    assert len(list(tmp_path.glob("*.safetensors"))) > 2 and not (tmp_path / "model.safetensors").exists()
    ours = interop.from_checkpoint(str(tmp_path))
    assert_close(scores(ours, "GPT"), scores(theirs, "GPT"), rtol=0, atol=1e-5)
    next(tmp_path.glob("*00002-of*")).unlink()
    with pytest.raises(
        FileNotFoundError, match=r"00002-of-\d+\.safetensors is not there, and the index beside it names it; download it too\.$"
    ):
        interop.from_checkpoint(tmp_path)


def test_a_file_with_its_configuration_beside(saved):
    (saved / "model.safetensors").rename(saved / "other.safetensors")
    assert isinstance(interop.from_checkpoint(saved / "other.safetensors"), GPT)
    (saved / "config.json").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"config\.json is not there, and says the sizes of the model; put it beside the weights\.$"
    ):
        interop.from_checkpoint(saved / "other.safetensors")


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_float32(half, tmp_path):
    theirs = bert().to(half)
    theirs.save_pretrained(tmp_path)
    ours = interop.from_checkpoint(tmp_path)
    assert isinstance(ours, Bert) and {p.dtype for p in ours.parameters()} == {torch.float32}
    assert torch.equal(ours.embedding.weight, theirs.embeddings.word_embeddings.weight.float())


def test_a_bert_may_lack_its_pooler(tmp_path):
    transformers.BertModel(bert().config, add_pooling_layer=False).save_pretrained(tmp_path)
    ours = interop.from_checkpoint(tmp_path)
    assert not ours.config.pooler
    interop.save_checkpoint(ours, tmp_path / "again")
    assert interop.from_checkpoint(tmp_path / "again").config == ours.config


# --- pickles --------------------------------------------------------------------------------------------------------


class Trap:
    """What an attacker would write: opening the pickle runs a command."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return (open, (str(self.place), "w"))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "model.pth", "last.ckpt", "model.pkl", "MODEL.BIN"])
@pytest.mark.parametrize("whole_folder", [True, False])
def test_a_pickle_is_never_opened(name, whole_folder, saved):
    (saved / "model.safetensors").unlink()
    trap, proof = saved / name, saved / "proof"
    trap.write_bytes(pickle.dumps(Trap(proof)))
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the whole text is compared)
        interop.from_checkpoint(saved if whole_folder else trap)
    assert str(caught.value) == (
        f"{name} must be safetensors or GGUF: a pickle can run code when it is opened, so it was not; "
        "convert it to safetensors where you trust it, with save_pretrained of transformers."
    )
    assert not proof.exists()
    pickle.loads(trap.read_bytes()).close()
    assert proof.exists(), "the trap works"


@pytest.mark.parametrize("name", ["model.safetensors", "small.gguf"])
def test_a_pickle_under_another_name_is_not_opened_either(name, saved):
    proof = saved / "proof"
    (saved / name).write_bytes(pickle.dumps(Trap(proof)))
    with pytest.raises(ValueError, match="must be a whole"):
        interop.from_checkpoint(saved / name)
    assert not proof.exists()


def test_safetensors_beside_a_pickle_are_enough(saved):
    (saved / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(saved / "proof")))
    assert isinstance(interop.from_checkpoint(saved), GPT) and not (saved / "proof").exists()


# --- damage ---------------------------------------------------------------------------------------------------------


def test_a_file_cut_anywhere_is_refused(saved):
    path = saved / "model.safetensors"
    data = path.read_bytes()
    for end in [*range(0, 40, 3), *range(40, len(data), len(data) // 41), len(data) - 1]:
        path.write_bytes(data[:end])
        with pytest.raises(ValueError, match=r"model\.safetensors must be a whole safetensors file: .*; download it again\.$"):
            interop.from_checkpoint(saved)


@pytest.mark.parametrize("header", [b"{", b"[]", b"\xff" * 20, b'{"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}}'])
def test_a_header_that_lies_is_refused(header, saved):
    (saved / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    with pytest.raises(ValueError, match="must be a whole safetensors file"):
        interop.from_checkpoint(saved)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be JSON: Expecting value"), ('{"vocab_size": 23', "must be JSON: Expecting ',' delimiter"), ("\0\xff", "must be JSON"),
        ("[1, 2]", "must hold an object in braces, not list"), ("{}", "architecture='' must be one of BertModel"),
        ('{"architectures": []}', "architecture='' must be"), ('{"architectures": "GPT2LMHeadModel"}', "architecture='' must be"),
        ('{"architectures": [["GPT2LMHeadModel"]]}', "must be one of BertModel"),
        ('{"architectures": ["GPTJForCausalLM"]}', "architecture='GPTJForCausalLM' must be one of"),
        ('{"architectures": ["GPT2LMHeadModel"]}', "vocab_size=None must be a whole number, at least 1"),
    ],
)  # fmt: skip
def test_a_configuration_that_is_broken_is_refused(text, message, saved):
    (saved / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match=re.escape(message)):
        interop.from_checkpoint(saved)


@pytest.mark.parametrize("table", [
    {"weight_map": {"a": "../model.safetensors"}}, {"weight_map": {"a": "model.bin"}}, {"weight_map": {"a": 3}}, {"weight_map": {}},
    {"weight_map": ["model.safetensors"]}, {},
])  # fmt: skip
def test_an_index_names_safetensors_of_its_folder_only(table, saved):
    (saved / "model.safetensors.index.json").write_text(json.dumps(table))
    with pytest.raises(ValueError, match=r"weight_map of .* must name \.safetensors files of the same folder; download it again\.$"):
        interop.from_checkpoint(saved)


def test_weights_of_another_model_are_refused(saved):
    weights = load_file(saved / "model.safetensors")
    save_file({"x": torch.zeros(2)} | {name: w for name, w in weights.items() if "ln_f" not in name}, saved / "model.safetensors")
    with pytest.raises(ValueError, match=r"2 missing \(transformer\.ln_f\.\w+, transformer\.ln_f\.\w+\), 1 unexpected \(x\)"):
        interop.from_checkpoint(saved)


# --- names ----------------------------------------------------------------------------------------------------------


def test_a_name_of_the_hub_is_downloaded_without_pickles(saved, monkeypatch):
    asked = []

    def snapshot_download(name, *, allow_patterns):
        asked.append((name, allow_patterns))
        return str(saved)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    assert isinstance(interop.from_checkpoint("someone/small-model"), GPT)
    assert asked == [("someone/small-model", ["config.json", "model*.safetensors", "model.safetensors.index.json"])]


def test_offline_it_says_so(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(NotFetched, match=r"someone/small-model is no folder here, and could not be downloaded: .+ Connect and try again"):
        interop.from_checkpoint("someone/small-model")


@pytest.mark.parametrize(
    "name", ["nowhere", "a/b/c", "../outside", "/none/at/all", "folder/model.safetensors", "folder/model.gguf", "https://x.y/z"]
)
def test_what_is_neither_a_file_nor_a_name_is_refused(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", None)
    with pytest.raises(FileNotFoundError, match=r"must be a folder, a \.safetensors or \.gguf file, or a name such as"):
        interop.from_checkpoint(name)


def test_other_files_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"must hold model\.safetensors, or its shards and model\.safetensors\.index\.json\.$"):
        interop.from_checkpoint(tmp_path)
    (tmp_path / "model.h5").write_bytes(b"\x89HDF")
    with pytest.raises(ValueError, match=r"model\.h5 must end in \.safetensors or \.gguf; give the folder that holds it, or convert it\.$"):
        interop.from_checkpoint(tmp_path / "model.h5")
