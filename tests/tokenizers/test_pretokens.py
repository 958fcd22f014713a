import unicodedata

from tokenizers import Regex, pre_tokenizers

from d2lmini.tokenizers.pretokens import bert_words, gpt2_words, marked_words
from tests.tokenizers.samples import CHAPTERS, CHARACTERS, PYTHON, random_texts

PUBLISHED = Regex(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
THEIRS = pre_tokenizers.Split(PUBLISHED, "isolated")
LATER = {0x61D, 0x9FD, 0xA76, 0xC77, 0xC84, 0x166D}  # signs that their table of punctuation, of 2015, lacks or counts otherwise


def words(pre_tokenizer, text):
    return [word for word, _ in pre_tokenizer.pre_tokenize_str(text)]


def test_by_hand():
    assert gpt2_words("  Il a dit\u00a0: «\u202fdon't\u202f» !\n\n") == [
        " ", " Il", " a", " dit", "\u00a0", ":", " «", "\u202f", "don", "'t", "\u202f", "»", " !", "\n\n",
    ]  # fmt: skip
    assert gpt2_words("") == bert_words("") == marked_words("") == []


def test_every_character_of_unicode_is_cut_as_the_published_rule_does():
    for first in range(0, len(CHARACTERS), 500):
        text = "".join(f"a{c}1 {c}! " for c in CHARACTERS[first : first + 500])
        assert gpt2_words(text) == words(THEIRS, text), f"from U+{ord(CHARACTERS[first]):04X} on"


def test_texts_are_cut_as_the_published_rule_does_and_nothing_is_lost():
    for text in [*CHAPTERS, *PYTHON, *random_texts(2_000)]:
        found = gpt2_words(text)
        assert found == words(THEIRS, text)
        assert "".join(found) == text


def test_bert_words_are_those_of_the_library():
    theirs = pre_tokenizers.BertPreTokenizer()
    known = [c for c in CHARACTERS if ord(c) < 0x2E00 and ord(c) not in LATER | {0x1B7D, 0x1B7E}]
    assert all(bert_words(text := f"a{c}b {c}{c}") == words(theirs, text) for c in known)
    for text in [*CHAPTERS, *PYTHON, *random_texts(2_000, 1, known)]:
        assert bert_words(text) == words(theirs, text)
    assert bert_words("a$b") == ["a", "$", "b"] and unicodedata.category("$") == "Sc"


def test_marked_words_are_those_of_sentencepiece_but_for_ends_of_lines():
    theirs = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(), pre_tokenizers.Split("\n", "isolated")])
    for text in [*CHAPTERS, *PYTHON, *random_texts(2_000)]:
        if not text.startswith((" ", "▁")):
            assert marked_words(text) == words(theirs, text)
    assert marked_words(" a") == ["▁", "▁a"]
