"""From one source to two notebooks: shared code, stable ids, French spaces, links that work where they are read."""

import pytest

from book.press import Refused, markup
from book.press.split import split
from d2lmini.i18n import THIN, typography
from tests.press.samples import code, prose, write


def test_both_languages_share_the_code_and_the_ids(tmp_path):
    path = write(tmp_path, prose(), code("x = 1"), code("x = 1"))
    fr, en = split(path, "fr"), split(path, "en")
    assert [c.source for c in fr.cells[2:]] == [c.source for c in en.cells[2:]] == ["x = 1", "x = 1"]
    assert [c.id for c in fr.cells] == [c.id for c in en.cells]
    assert len({c.id for c in fr.cells}) == 4
    assert 'start("fr")' in fr.cells[1].source and 'start("en")' in en.cells[1].source


def test_a_new_cell_leaves_the_ids_of_the_others_alone(tmp_path):
    before = {c.source: c.id for c in split(write(tmp_path, prose(), code("x = 1"), code("y = 2")), "fr").cells}
    after = {c.source: c.id for c in split(write(tmp_path, prose(), code("new"), code("x = 1"), code("y = 2")), "fr").cells}
    assert all(after[source] == name for source, name in before.items())


def test_citations_and_links_lead_somewhere_in_either_flavour(tmp_path):
    path = write(tmp_path, prose("@vaswani2017attention, puis [@vaswani2017attention; @raffel2020exploring].", "Same."))
    portable, book = (split(path, "fr", flavour).cells[0].source for flavour in ("notebook", "book"))
    assert portable.startswith("[Vaswani et al. (2017)](https://arxiv.org/abs/1706.03762), puis ([Vaswani et al., 2017](https")
    assert f"){THIN}; [Raffel" in portable
    assert "[Raffel et al., 2020](references.md#raffel2020exploring))" in book
    assert "](03_masks.ipynb)" in split(write(tmp_path, prose()), "en").cells[0].source
    practice = prose("[À vous](03_masks_exercises.md)", "[Your turn](03_masks_exercises.md)")
    assert "](../../exercises/en/03_masks.ipynb)" in split(write(tmp_path, practice), "en").cells[0].source
    assert "](03_masks_exercises.md)" in split(write(tmp_path, practice), "en", "book").cells[0].source


def test_english_apostrophes_are_curled_too(tmp_path):
    assert split(write(tmp_path, prose("L'un.", "It doesn't `don't`.")), "en").cells[0].source == "It doesn’t `don't`."


def test_an_unknown_citation_is_refused(tmp_path):
    with pytest.raises(Refused, match=r"@nobody1999 is not in book/references\.bib"):
        split(write(tmp_path, prose("Voir @nobody1999.", "See @nobody1999.")), "fr")


def test_terms_and_boxes_become_plain_markdown_in_notebooks(tmp_path):
    box = ":::{tip} Titre\nUne {term}`requête`.\n\nDeux {term}`requêtes <requête>`.\n:::"
    path = write(tmp_path, prose(box, box))
    assert split(path, "fr").cells[0].source == "> **Titre**\n>\n> Une requête.\n>\n> Deux requêtes."
    assert split(path, "fr", "book").cells[0].source == box


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("Vraiment ? Oui ; non : « peut-être » !", "Vraiment_? Oui_; non_: «_peut-être_»_!"),
        ("Vraiment? Oui!", "Vraiment_? Oui_!"),
        ("l'été d'`x`, 'mot', $f'$ et d'{term}`été`", "l’été d’`x`, 'mot', $f'$ et d’{term}`été`"),
        ("«collé»", "«_collé_»"),
        ("1 000 000 de fois, 50 %", "1_000_000 de fois, 50_%"),
        ("`a ? b : c` et $x : y$ et [a ?](b?c=1 000)", "`a ? b : c` et $x : y$ et [a_?](b?c=1 000)"),
        ("`x` : oui", "`x`_: oui"),
        ("https://a.b/?q=1 et 10:30", "https://a.b/?q=1 et 10:30"),
        (":::{tip} Titre !\n| a | b |\n| :--- | ---: |\n```\na ? b\n```", ":::{tip} Titre_!\n| a | b |\n| :--- | ---: |\n```\na ? b\n```"),
        ("<details>\n<summary>Qui ?</summary>", "<details>\n<summary>Qui_?</summary>"),
    ],
)
def test_french_typography(typed, printed):
    once = markup.spare(typed, typography)
    assert once == printed.replace("_", THIN)
    assert markup.spare(once, typography) == once
