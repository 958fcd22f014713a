"""Lay out one edition for Sphinx: chapters with their outputs, pages, figures set in, and the files that they load."""

import html
import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import yaml
from nbformat import NotebookNode

from book import cover
from book.press import CHAPTERS, PAGES, ROOT, SOLUTIONS, bibliography, execute, figures, glossary, practice, solutions, spaces
from book.press.split import BOX_TITLES, split
from book.press.ui import UI
from d2lmini import palette
from d2lmini.i18n import Language

BOOK = ROOT / "book"
VIEW = "application/vnd.jupyter.widget-view+json"
WORDS_A_MINUTE, SECONDS_A_CELL = 180, 40


@dataclass
class Staged:
    """Files written into one edition's folder; `finish` removes whatever an earlier edition left there."""

    root: Path
    files: set[Path] = field(default_factory=set)

    def write(self, name: str, content: str | bytes) -> None:
        """Write a file unless it already says the same, so that Sphinx only reads what changed."""
        path = self.root / name
        data = content.encode() if isinstance(content, str) else content
        if not path.exists() or path.read_bytes() != data:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        self.files.add(path)

    def finish(self) -> None:
        """Remove the files of chapters that are gone."""
        for path in [p for p in self.root.rglob("*") if p.is_file() and p not in self.files]:
            path.unlink()


def stage(language: Language, root: Path, chapters: Path = CHAPTERS) -> None:
    """Write one edition's sources into `root`; `SystemExit` when a notebook is missing or stale."""
    staged = Staged(root)
    toc = contents(language, chapters)
    listed = [item["file"] for part in toc["parts"] for item in part["chapters"]]
    staged.write("_toc.yml", yaml.safe_dump(toc, allow_unicode=True, sort_keys=False))
    summary: dict[str, tuple[str, int]] = {}
    for name in (name for name in listed if not (PAGES / f"{name}.md").exists()):
        source = chapters / f"{name}.md"
        notebook = chapter(source, language)
        summary[name] = (title(notebook), minutes(notebook))
        staged.write(f"{name}.ipynb", nbformat.writes(notebook) + "\n")
        staged.write(f"_extra/notebooks/{name}.ipynb", execute.target(source, language).read_bytes())
    for item in (item for part in toc["parts"] for item in part["chapters"] if "sections" in item):
        page, source = f"{item['file']}{solutions.SUFFIX}", SOLUTIONS / f"{item['file']}.md"
        empty = fresh(source, language, unsolved=True)
        told = practice.page(source, language, nbformat.read(empty, as_version=4))
        staged.write(f"{page}.md", boxes(questions(told), language) + "\n")
        staged.write(f"_extra/notebooks/{page}.ipynb", empty.read_bytes())
    for path in sorted(PAGES.glob("*.md")):
        staged.write(path.name, prose_page(path, language, toc, summary))
    assets(staged)
    staged.finish()


def contents(language: Language, chapters: Path = CHAPTERS) -> dict:
    """The table of contents with its captions in one language; a chapter is followed by its exercises, a draft has none."""
    toc = yaml.safe_load((BOOK / "_toc.yml").read_text("utf8"))
    for part in toc["parts"]:
        part["caption"] = part["caption"].split(" | ")[("fr", "en").index(language)]
        for item in part["chapters"]:
            if chapters == CHAPTERS and (SOLUTIONS / f"{item['file']}.md").exists():
                item["sections"] = [{"file": f"{item['file']}{solutions.SUFFIX}"}]
    return toc


def chapter(source: Path, language: Language) -> NotebookNode:
    """A chapter in MyST with the outputs of its executed notebook, ready for the page."""
    if not source.exists():
        raise SystemExit(f"{source} is in book/_toc.yml but does not exist; write it, or take it out of the table of contents.")
    notebook = split(source, language, "book")
    execute.graft(notebook, nbformat.read(fresh(source, language), as_version=4))
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            cell.source = boxes(questions(cell.source), language)
        for position, output in enumerate(cell.get("outputs", ())):
            set_in(output, f"f{number}-{position}")
    return notebook


def fresh(source: Path, language: Language, unsolved: bool = False) -> Path:
    """The executed notebook of a source; `SystemExit` when it is not what the source gives today."""
    if problem := execute.why_stale(source, language, unsolved):
        raise SystemExit(f"{problem}; run: python -m book.press.execute {source.stem}")
    return execute.target(source, language, unsolved)


def set_in(output: NotebookNode, prefix: str) -> None:
    """Figures join the page as SVG; a widget's view keeps a sentence for readers without JavaScript."""
    data = output.get("data", {})
    if "image/svg+xml" in data:
        drawn = figures.inline(data["image/svg+xml"], output.metadata["image/svg+xml"]["alt"], prefix)
        output.data, output.metadata = NotebookNode({"text/html": drawn}), NotebookNode()
    elif VIEW in data:
        view = json.dumps(data[VIEW]).replace("</", "<\\/")
        said = html.escape(data.get("text/plain", ""))
        drawn = f'<div class="widget"><script type="{VIEW}">{view}</script><noscript><p>{said}</p></noscript></div>'
        output.data = NotebookNode({"text/html": drawn})


def questions(text: str) -> str:
    """Mathematics and code in the summary of a quick question, which Markdown leaves as they are."""

    def summary(match: re.Match[str]) -> str:
        inside = re.sub(r"`([^`]+)`", r"<code>\1</code>", match[1])
        return "<summary>" + re.sub(r"\$([^$]+)\$", formula, inside) + "</summary>"

    def formula(match: re.Match[str]) -> str:
        return f'<span class="math">\\({html.escape(html.unescape(match[1]))}\\)</span>'

    return re.sub(r"(?s)<summary>(.*?)</summary>", summary, text)


def boxes(text: str, language: Language) -> str:
    """`:::{tip} Title` as an admonition: MyST takes the words after a tip for its text, not for its title."""

    def box(match: re.Match[str]) -> str:
        fence, kind, words = match.groups()
        return f"{fence}{{admonition}} {words.strip() or BOX_TITLES[language][kind]}\n:class: {kind}\n\n"

    kinds = "|".join(BOX_TITLES[language])
    return re.sub(rf"(?m)^(:{{3,}})\{{({kinds})\}}([^\n]*)\n", box, text)


def title(notebook: NotebookNode) -> str:
    """The text of a chapter's first heading."""
    return re.search(r"(?m)^# (.+)$", notebook.cells[0].source)[1].strip()  # type: ignore[index]


def minutes(notebook: NotebookNode) -> int:
    """Reading time: the words at a student's pace and a while on each code cell that isn't folded away, to five minutes."""
    words = sum(len(cell.source.split()) for cell in notebook.cells if cell.cell_type == "markdown")
    cells = sum(cell.cell_type == "code" and not cell.metadata.get("tags") for cell in notebook.cells)
    return max(5, 5 * round((words / WORDS_A_MINUTE + cells * SECONDS_A_CELL / 60) / 5))


def prose_page(path: Path, language: Language, toc: dict, summary: dict[str, tuple[str, int]]) -> str:
    """A page of prose, its generated parts in place of their marks: `<!-- glossary -->`."""
    text = "\n\n".join(cell.source for cell in split(path, language, "book").cells)
    for mark, part in {
        "chapters": lambda: chapter_list(language, toc, summary),
        "cover": lambda: cover.figure(language),
        "glossary": lambda: glossary.page(language),
        "references": lambda: bibliography.page(bibliography.load(BOOK / "references.bib"), language),
    }.items():
        if f"<!-- {mark} -->" in text:
            text = text.replace(f"<!-- {mark} -->", part())
    return boxes(questions(text), language) + "\n"


def chapter_list(language: Language, toc: dict, summary: dict[str, tuple[str, int]]) -> str:
    """The chapters by part, each with its reading time."""
    rows = []
    number = 1
    for part in toc["parts"]:
        items = [item for item in part["chapters"] if item["file"] in summary]
        if items:
            rows += [f"{{.part}}\n{part['caption']}\n", "{.chapters}"]
        for item in items:
            heading, length = summary[item["file"]]
            told = [UI[language]["minutes"].format(length)]
            told += [f"[{UI[language]['exercises']}]({section['file']}.md)" for section in item.get("sections", ())]
            rows.append(f"{number}. [{heading}]({item['file']}.ipynb) [{' · '.join(told)}]{{.minutes}}")
            number += 1
        rows.append("")
    return "\n".join(rows)


def assets(staged: Staged) -> None:
    """The style sheets, scripts, typefaces and drawings that the pages load."""
    for path in sorted(p for p in (BOOK / "_static").rglob("*") if p.is_file()):
        staged.write(f"_static/{path.relative_to(BOOK / '_static').as_posix()}", path.read_bytes())
    staged.write("_static/css/palette.css", palette.css(":root", 'html[data-theme="dark"]') + "\n" + spaces.css())
    staged.write("_static/favicon.svg", cover.favicon())
    staged.write("_static/js/hydrate.js", (ROOT / "d2lmini" / "widgets" / "hydrate.js").read_bytes())


def clear(root: Path) -> None:
    """Forget an edition's staged sources."""
    shutil.rmtree(root, ignore_errors=True)
