"""The Sphinx extension of the book: language switch, search that folds accents, definitions on the spot, light pages."""

import html
import re
from functools import cache
from pathlib import Path
from typing import Any

import snowballstemmer
from sphinx.application import Sphinx
from sphinx.search import SearchLanguage
from sphinx.search.en import SearchEnglish
from sphinx.search.fr import SearchFrench

from book.press import ROOT, bibliography, glossary, launch, slim
from book.press.ui import NAME, UI
from d2lmini.i18n import LANGUAGES, Language

# The page's own stemmer, fed with folded words on both sides: « modele », « modèle » and « modèles » meet in the index.
FOLDED_STEMMER = """
window.Stemmer = function () {
  const stemmer = new %sStemmer();
  const fold = (word) => word.normalize("NFD").replace(/\\p{M}/gu, "").replace(/œ/g, "oe").replace(/æ/g, "ae");
  this.stemWord = (word) => stemmer.stemWord(fold(word.toLowerCase()));
};
"""


def _folding(base: type[SearchLanguage]) -> type[SearchLanguage]:
    class Folding(base):  # type: ignore[misc, valid-type]
        js_stemmer_rawcode = ""  # else Sphinx ignores js_stemmer_code
        js_stemmer_code = _stemmers(base) + FOLDED_STEMMER % base.language_name

        def __init__(self, options: dict[str, str]) -> None:
            super().__init__(options)
            self.stemmer = snowballstemmer.stemmer(base.language_name.lower())

        def stem(self, word: str) -> str:
            return self.stemmer.stemWord(glossary.fold(word))

    return Folding


def _stemmers(base: type[SearchLanguage]) -> str:
    import sphinx.search

    folder = Path(sphinx.search.__file__).parent / "minified-js"
    return "\n".join((folder / name).read_text("utf8") for name in ("base-stemmer.js", base.js_stemmer_rawcode))


def page_context(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """What the templates need."""
    language: Language = app.config.language  # type: ignore[assignment]
    other: Language = "en" if language == "fr" else "fr"
    chosen = launch.settings()
    notebook = (Path(app.srcdir) / "_extra" / "notebooks" / f"{pagename}.ipynb").exists()
    context.update(
        ui=UI[language],
        other=other,
        other_name=NAME[other],
        other_page=f"{context['content_root']}../{other}/{pagename}.html",
        notebook=f"{context['content_root']}notebooks/{pagename}.ipynb" if notebook else "",
        launch_links=launch.links(pagename, language, chosen) if notebook else [],
        repository=chosen["repository"],
    )


def page_body(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Definitions on the spot, and only the scripts that the page needs."""
    body = context.get("body", "")
    if "widget-view+json" in body:
        app.add_js_file("js/hydrate.js", loading_method="defer")
    unused = ["pygments"]  # notebook.css colors the code
    if 'class="math' not in body:
        unused += ["katex", "auto-render"]
    if "cell_input" not in body:
        unused += ["clipboard", "copybutton"]
    for kind in ("script_files", "css_files"):
        context[kind] = [file for file in context[kind] if not any(name in str(file.filename or "") for name in unused)]
    for file in context["script_files"]:
        if file.filename and "documentation_options" not in str(file.filename):  # which a script in the page completes
            file.attributes.setdefault("defer", "defer")
    body = body.replace('<summary aria-label="Toggle hidden content">', "<summary>")  # its own words say it, in the page's language
    context["body"] = explained(body, app.config.language)  # type: ignore[arg-type]


def explained(body: str, language: Language) -> str:
    """Each link to a term or to a reference carries what a reader would find there."""

    def term(match: re.Match[str]) -> str:
        words = definitions(language)
        name = html.unescape(match[2]).removeprefix("term-")
        said = words.get(name)
        return f'{match[1]} data-note="{html.escape(said)}"' if said else match[0]

    def citation(match: re.Match[str]) -> str:
        said = references(language).get(match[2])
        return f'{match[1]} data-note="{html.escape(said)}"' if said else match[0]

    body = re.sub(r'(<a class="reference internal" href="glossary\.html#([^"]+)")', term, body)
    return re.sub(r'(<a class="reference internal" href="references\.html#([^"]+)")', citation, body)


@cache
def definitions(language: Language) -> dict[str, str]:
    """Definition by anchor of the glossary's page."""
    from docutils.nodes import make_id

    return {make_id(term): said for term, said in glossary.definitions(language).items()}


@cache
def references(language: Language) -> dict[str, str]:
    """Reference in plain words by key."""
    return {key: bibliography.plain(entry, language) for key, entry in bibliography.load(ROOT / "book" / "references.bib").items()}


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Leave on disk only what the pages use."""
    if exception is None:
        slim.slim(Path(app.outdir))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the extension; pages of both languages come from the same code."""
    bases = {"fr": SearchFrench, "en": SearchEnglish}
    for language in LANGUAGES:
        app.add_search_language(_folding(bases[language]))
    app.connect("html-page-context", page_context, priority=400)  # the theme tries its templates at 500
    app.connect("html-page-context", page_body, priority=900)  # after all those who add files
    app.connect("build-finished", finish, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
