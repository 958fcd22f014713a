import json

import pytest
from tokenizers import Tokenizer as Theirs
from tokenizers import decoders, models, pre_tokenizers, trainers

from d2lmini.tokenizers import ByteBPE
from d2lmini.tokenizers.byte_bpe import ALPHABET
from tests.tokenizers.samples import CHAPTERS, PYTHON, random_texts


@pytest.fixture(scope="module", params=["chapters", "python"])
def both(request):
    """Ours and theirs, trained on the same texts."""
    texts = CHAPTERS if request.param == "chapters" else PYTHON
    theirs = Theirs(models.BPE())
    theirs.pre_tokenizer, theirs.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    options = {"vocab_size": 3_001, "special_tokens": ["<|endoftext|>"], "min_frequency": 2, "show_progress": False}
    theirs.train_from_iterator(texts, trainers.BpeTrainer(initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **options))
    return ByteBPE.train(texts, 3_001, special=["<|endoftext|>"]), theirs


def test_alphabet_by_hand():
    """188 bytes are themselves; of the 68 hidden ones, 0 is U+0100, space the 33rd, and 0xAD (soft hyphen) the last."""
    assert [ALPHABET[byte] for byte in (0, 0x20, 0x41, 0x7F, 0xAD, 0xFF)] == ["Ā", "Ġ", "A", "ġ", "Ń", "ÿ"]
    assert len(set(ALPHABET)) == 256 and set(ALPHABET) == set(pre_tokenizers.ByteLevel.alphabet())


def test_same_merges_as_the_library(both):
    ours, theirs = both
    assert [list(pair) for pair in ours.merges] == json.loads(theirs.to_str())["model"]["merges"]
    assert ours.ids == theirs.get_vocab()


def test_same_ids_and_round_trip_on_the_texts_and_on_any_unicode(both):
    ours, theirs = both
    for text in [*CHAPTERS, *PYTHON, *random_texts(2_000)]:
        ids = ours.encode(text)
        assert ids == theirs.encode(text).ids
        assert ours.decode(ids) == text


def test_any_ids_decode_as_the_library_does_even_when_they_break_characters(both):
    ours, theirs = both
    for i in range(0, len(ours) - 5, 3):
        ids = [1 + i % 256, i + 4, 1 + (7 * i) % 256, i + 1]
        assert ours.decode(ids) == theirs.decode(ids)


def test_a_stream_waits_for_whole_characters(both):
    ours, _ = both
    byte = {value: ours.ids[character] for value, character in enumerate(ALPHABET)}
    euro = [byte[value] for value in "€".encode()]
    assert list(ours.stream([byte[0x41], *euro, byte[0x42]])) == ["A", "", "", "€", "B"]
    assert list(ours.stream(euro[:2])) == ["", "", "�"]
    assert list(ours.stream([euro[0], byte[0x41]])) == ["", "�A"]
    assert list(ours.stream([*euro[:2], 0, euro[2]])) == ["", "", "�", "�"], "a special token ends a character"
    assert ours.decode([*euro, 0], special=True) == "€<|endoftext|>" and ours.decode([*euro, 0]) == "€"


def test_a_special_token_cannot_be_the_sign_of_a_byte():
    with pytest.raises(ValueError, match="special token '_' must not be the sign of a byte, or a text would write it; try '<_>'"):
        ByteBPE.train(["a_"], 257, special=["_"])


def test_the_files_of_gpt2(tmp_path, both):
    ours, _ = both
    (tmp_path / "encoder.json").write_text(json.dumps(ours.ids), "utf8")
    (tmp_path / "vocab.bpe").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in ours.merges), "utf8")
    assert ByteBPE.from_gpt2(tmp_path / "encoder.json", tmp_path / "vocab.bpe") == ours
