"""Spelling: each language against its own dictionary, code and foreign words apart."""

from book.press import spelling
from tests.press.samples import code, prose, write


def test_misspelt_words_are_found_in_either_language():
    assert spelling.misspelt("L’attention normallise les clés d’aujourd’hui.", "fr") == ["normallise"]
    assert spelling.misspelt("Attention normallizes the keys; it doesn't colour.", "en") == ["normallizes", "colour"]


def test_code_formulas_names_and_italics_pass():
    assert spelling.misspelt("`xyzzy` $\\foo$ PyTorch GPT *tokenizer* [nom](https://zzz.qq) encodeur-décodeur", "fr") == []


def test_the_message_gives_file_line_word_and_repair(tmp_path):
    path = write(tmp_path, prose("Bien.", "Good."), code('x = t("un chatt", "a cat")'))
    (message,) = spelling.check(path)
    line = path.read_text("utf8").split("x = t(")[0].count("\n") + 1
    assert f"01_sample.md:{line}: « chatt »" in message and "book/spelling.fr.txt" in message
