"""The press's small parts: figures, boxes, bibliography, launch buttons, style sheets, server."""

import re
import socket
import urllib.error
import urllib.request
from threading import Thread

import pytest
from fontTools.ttLib import TTFont

from book import cover
from book.press import ROOT, bibliography, figures, glossary, landing, launch, serve, slim, spaces, stage
from d2lmini.palette import LIGHT

BIB = """@article{two2020, author = {Dupont, Anne-Marie and M{\\"u}ller, Karl}, title = {{T5} and {\\'e}t{\\'e}: 100\\% [really]},
 journal = {Journal of *Stars*}, volume = 3, number = 2, pages = {10--12}, year = 2020, doi = {10.1/x_y}}
@book{one1999, author = {van den Berg, Jan}, title = {Un livre}, year = 1999, url = {https://a.org/~b_c}, langid = {french}}
@misc{many2021, author = {A, A. and B, B. and C, C. and D, D. and E, E. and F, F. and G, G. and H, H. and I, I. and J, J. and K, K.},
 title = {Many}, year = 2021, url = {https://www.m.org/}}
"""


@pytest.fixture
def entries(tmp_path):
    (tmp_path / "a.bib").write_text(BIB)
    return bibliography.load(tmp_path / "a.bib")


def test_labels_join_two_authors_in_the_readers_language(entries):
    assert [bibliography.label(entry, "fr") for entry in entries.values()] == ["Dupont et Müller", "van den Berg", "A et al."]
    assert bibliography.label(entries["two2020"], "en") == "Dupont and Müller"


def test_a_list_that_is_cut_ends_with_et_al(tmp_path):
    (tmp_path / "a.bib").write_text(
        "@misc{a, author = {Brown, Tom and Mann, Ben and others}, title = {x}, year = 2020, url = {https://a.org}}"
    )
    (entry,) = bibliography.load(tmp_path / "a.bib").values()
    assert bibliography.label(entry, "fr") == "Brown et al."
    assert bibliography.page({"a": entry}, "fr").split("\n")[2].startswith("Tom Brown, Ben Mann et al. (2020).")


def test_same_authors_and_year_are_told_apart_by_a_letter(tmp_path):
    one = "author = {Touvron, Hugo and A, B. and C, D.}, year = 2023, url = {https://a.org}"
    (tmp_path / "a.bib").write_text(f"@misc{{k2, title = {{Two}}, {one}}} @misc{{k1, title = {{One}}, {one}}}")
    assert {key: entry.year for key, entry in bibliography.load(tmp_path / "a.bib").items()} == {"k1": "2023a", "k2": "2023b"}


def test_addresses_survive_latex(entries):
    assert bibliography.url(entries["one1999"]) == "https://a.org/~b_c"
    assert bibliography.url(entries["two2020"]) == "https://doi.org/10.1/x_y"


def test_references_are_set_as_each_language_sets_them(entries):
    fr, en = bibliography.page(entries, "fr"), bibliography.page(entries, "en")
    assert 'Anne-Marie Dupont et Karl Müller (2020). «\u202f<span lang="en">T5 and été: 100% \\[really\\]</span>\u202f»' in fr
    assert '<cite lang="en">Journal of \\*Stars\\*</cite>, vol. 3, n<sup>o</sup> 2, p. 10–12. ' in fr
    assert '“<span lang="en">T5 and été: 100% \\[really\\]</span>,” <cite' in en
    assert "vol. 3, no. 2, pp. 10–12. " in en
    assert '<cite lang="fr">Un livre</cite>. [a.org/~b\\_c](https://a.org/~b_c)' in fr
    assert "A. A, B. B, C. C, D. D, E. E, F. F et al. (2021)" in fr
    assert re.findall(r"\((\w+)\)=", fr) == ["many2021", "two2020", "one1999"]


@pytest.mark.parametrize(
    ("bib", "said"),
    [
        ("@misc{a, title = {x}, year = 1, url = {u}}", "has no author"),
        ("@misc{a, author = {B}, title = {x}, year = 1}", "has no url"),
        ("@misc{A:b, author = {B}, title = {x}, year = 1, url = {u}}", "'A:b' must be of lower-case letters"),
        ("@misc{a, author = {B}", "not valid BibTeX"),
    ],
)
def test_a_reference_that_cannot_be_listed_is_refused(tmp_path, bib, said):
    (tmp_path / "a.bib").write_text(bib)
    with pytest.raises(ValueError, match=re.escape(said)):
        bibliography.load(tmp_path / "a.bib")


def test_the_glossary_is_sorted_without_minding_accents():
    assert sorted(["zèbre", "élan", "œuvre", "oubli", "eau"], key=glossary.fold) == ["eau", "élan", "œuvre", "oubli", "zèbre"]
    words = re.findall(r"^(\S.*)$", glossary.page("fr"), re.M)[1:-1]
    assert words == sorted(words, key=glossary.fold)


def test_a_figure_takes_the_pages_colors_and_keeps_its_ids_to_itself():
    paper, ink = LIGHT["paper"], LIGHT["ink"].upper()
    svg = (
        f'<?xml version="1.0"?><svg xmlns="a" xmlns:xlink="b" width="460.8pt" height="9pt" viewBox="0 0 461 9"><style>*{{x:1}}</style>'
        f'<g id="unused"/><path id="p" style="fill: {paper}"/><path id="p"/>'
        f'<path style="fill: {paper}; stroke: {ink}; fill-opacity: 0.5"/><rect fill="{ink}"/>'
        '<use xlink:href="#p"/><g clip-path="url(#p)"/><path style="fill: #123456"/></svg>'
    )
    drawn = figures.inline(svg, "a < b", "f3")
    assert drawn.startswith('<figure class="figure" style="max-width: 614px; aspect-ratio: 461 / 9"><svg viewBox="0 0 461 9" role="img"')
    assert 'aria-label="a &lt; b"' in drawn
    assert '<path id="f3-p" style="fill: none"/>' in drawn
    assert "fill: var(--c-paper); stroke: var(--c-ink); fill-opacity: 0.5" in drawn
    assert '<rect style="fill: var(--c-ink)"/>' in drawn
    assert 'href="#f3-p"' in drawn
    assert "url(#f3-p)" in drawn
    assert "#123456" in drawn
    assert "<style" not in drawn, "it would dress the whole page"
    assert re.findall(r'id="([^"]*)"', drawn) == ["f3-p"], "only what is pointed to has a name, and once"


def test_boxes_keep_their_title_and_questions_their_mathematics():
    assert stage.boxes(":::{tip} Titre\nTexte\n:::", "fr") == ":::{admonition} Titre\n:class: tip\n\nTexte\n:::"
    assert stage.boxes("::::{warning}\nText\n::::", "en").startswith("::::{admonition} Warning\n:class: warning\n")
    asked = stage.questions("<summary>Is $a < b$ in `x`?</summary>")
    assert asked == r'<summary>Is <span class="math">\(a &lt; b\)</span> in <code>x</code>?</summary>'


def test_a_chapter_that_was_never_executed_stops_the_press_with_the_command_to_run(tmp_path):
    (tmp_path / "01_x.md").write_text(
        '<!-- #region lang="fr" -->\n# Un\n<!-- #endregion -->\n\n<!-- #region lang="en" -->\n# One\n<!-- #endregion -->\n'
    )
    with pytest.raises(SystemExit, match=r"01_x\.ipynb does not exist; run: python -m book\.press\.execute 01_x"):
        stage.chapter(tmp_path / "01_x.md", "fr")
    with pytest.raises(SystemExit, match=r"02_y\.md is in book/_toc\.yml but does not exist"):
        stage.chapter(tmp_path / "02_y.md", "fr")


def test_launch_buttons_come_from_one_address():
    chosen = {"repository": "", "branch": "main", "jupyterhub": ""}
    assert launch.links("01_x", "fr", chosen) == []
    chosen["repository"] = "https://github.com/me/course"
    names, addresses = zip(*launch.links("01_x", "fr", chosen), strict=True)
    assert names == ("Colab", "Binder")
    assert addresses[0] == "https://colab.research.google.com/github/me/course/blob/main/chapters/fr/01_x.ipynb"
    assert addresses[1] == "https://mybinder.org/v2/gh/me/course/main?urlpath=lab%2Ftree%2Fchapters%2Ffr%2F01_x.ipynb"
    chosen |= {"repository": "https://forge.org/me/course", "jupyterhub": "https://hub.org"}
    names, addresses = zip(*launch.links("01_x", "en", chosen), strict=True)
    assert names == ("Binder", "JupyterLab")
    assert "/git/https%3A%2F%2Fforge.org%2Fme%2Fcourse/main?" in addresses[0]
    assert addresses[1].startswith("https://hub.org/hub/user-redirect/git-pull?repo=https%3A%2F%2Fforge.org%2Fme%2Fcourse&branch=main")


def test_the_environment_names_the_repository_and_a_wrong_address_is_refused(monkeypatch):
    monkeypatch.setenv("D2L_REPOSITORY", "https://github.com/me/course.git")
    assert launch.settings()["repository"] == "https://github.com/me/course"
    monkeypatch.setenv("D2L_REPOSITORY", "git@forge:x")
    with pytest.raises(SystemExit, match="must start with https://"):
        launch.settings()


def test_style_sheets_lose_what_no_page_uses():
    css = '@charset "utf-8";.a,.b{x:1}.c::after{content:"}"}@media print{.b{x:2}}.a:is(.b,.c) p{x:3}'
    css += "@font-face{font-family:Font Awesome\\ 7;src:url(f)}"
    assert slim.purge(css, {"a", "c"}) == '.a{x:1}.c::after{content:"}"}.a:is(.b,.c) p{x:3}'


def test_the_narrow_space_is_narrow_and_always_the_same(tmp_path):
    (tmp_path / "s.ttf").write_bytes(spaces.font())
    font = TTFont(tmp_path / "s.ttf")
    assert font["hmtx"][font.getBestCmap()[0x202F]][0] / font["head"].unitsPerEm == pytest.approx(0.19)
    assert spaces.css() == spaces.css()


def test_the_readme_shows_todays_cover():
    assert (ROOT / "book" / "cover.svg").read_text("utf8") == cover.picture()


def test_the_cover_weaves_a_causal_attention():
    weights = cover.attention()
    assert weights.sum(axis=1) == pytest.approx(1)
    assert (weights[~(weights == 0)] > 0).all()
    assert [(i, j) for i in range(len(weights)) for j in range(i + 1, len(weights)) if weights[i, j]] == []
    step = cover.TEXT.index("step")
    again = cover.TEXT.rindex("step")
    assert all(weights[again + k, :again].argmax() == step + k for k in range(4)), "the second « step » looks at the first"
    assert cover.figure("fr") == cover.figure("fr")


def test_a_page_that_is_not_there_answers_404_with_the_sites_own_page(tmp_path):
    landing_page = tmp_path / "index.html"
    landing_page.write_text("home")
    landing.write(tmp_path, ("fr", "en"))
    site = serve.server(tmp_path)
    Thread(target=site.serve_forever, daemon=True).start()
    with pytest.raises(urllib.error.HTTPError) as answer:
        urllib.request.urlopen(f"http://127.0.0.1:{site.server_port}/fr/x.html")
    site.shutdown()
    site.server_close()
    assert answer.value.code == 404
    assert "Cette page n’existe pas." in answer.value.read().decode()


def test_a_reader_who_leaves_early_is_no_error_but_a_bug_is(tmp_path, capsys):
    (tmp_path / "index.html").write_text("")
    with serve.server(tmp_path) as site:
        for problem, said in ((BrokenPipeError, ""), (KeyError, "KeyError")):
            try:
                raise problem
            except problem:
                site.handle_error(None, ("127.0.0.1", 1))
            assert (said in capsys.readouterr().err) if said else capsys.readouterr().err == ""


def test_a_busy_port_gives_way_to_the_next_and_a_missing_book_says_what_to_run(tmp_path):
    with pytest.raises(SystemExit, match=r"run: python -m book\.press\.build"):
        serve.server(tmp_path)
    (tmp_path / "index.html").write_text("")
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(SystemExit, match=f"ports {port} to {port} are all busy"):
            serve.server(tmp_path, port)
        other = serve.server(tmp_path, port, tries=5)
        assert port < other.server_port < port + 5
        other.server_close()


def test_both_languages_have_the_same_furniture():
    from book.press.ui import UI

    assert UI["fr"].keys() == UI["en"].keys()
    used = set(re.findall(r"\bui\.(\w+)", "".join(path.read_text("utf8") for path in (ROOT / "book" / "_templates").rglob("*.html"))))
    code = "".join(path.read_text("utf8") for path in (ROOT / "book").rglob("*.py"))
    used |= set(re.findall(r"UI\[language\]\[[\"'](\w+)", code))
    assert used == UI["fr"].keys()
