"""Take out of an edition the styles, scripts and pictures of the theme that none of its pages uses."""

import re
from collections.abc import Iterator
from pathlib import Path

# The theme's icons (1.5 MB of script), its menus (81 kB), source maps, pictures of services, translations.
UNUSED = (
    "scripts/fontawesome.js*", "scripts/bootstrap.js*", "**/*.map", "vendor", "images", "locales", "sbt-webpack-macros.html",
    "webpack-macros.html", "plus.png", "minus.png", "file.png", "pygments.css", "check-solid.svg", "copy-button.svg", ".gitignore",
    "scripts/*.LICENSE.txt",
)  # fmt: skip
SHEETS = ("basic.css", "styles/pydata-sphinx-theme.css", "styles/sphinx-book-theme.css", "mystnb.*.css")


def slim(site: Path) -> None:
    """Remove what no page of `site` uses."""
    static = site / "_static"
    _remove(site / "_sources")
    for pattern in UNUSED:
        for path in sorted(static.glob(pattern), reverse=True):
            _remove(path)
    used = set(_classes(site))
    for pattern in SHEETS:
        for path in static.glob(pattern):
            path.write_text(purge(path.read_text("utf8"), used), "utf8")


def purge(css: str, used: set[str]) -> str:
    """The rules of a style sheet that can apply to elements of the classes in `used`.

    >>> purge(".a{x:1}.b,.a p{x:2}@media print{.b{x:3}.a:not(.b){x:4}}", {"a"})
    '.a{x:1}.a p{x:2}@media print{.a:not(.b){x:4}}'
    """
    return "".join(_kept(css, used))


def _kept(css: str, used: set[str]) -> Iterator[str]:
    for head, body in _rules(re.sub(r"(?s)/\*.*?\*/", "", css)):
        if head.startswith(("@media", "@supports", "@layer")):
            inside = purge(body, used)
            if inside:
                yield f"{head}{{{inside}}}"
        elif head.startswith("@font-face"):
            if "Font Awesome" not in body.replace("\\", ""):
                yield f"{head}{{{body}}}"
        elif head.startswith("@"):
            yield f"{head}{{{body}}}"
        else:
            selectors = [selector for selector in _selectors(head) if _alive(selector, used)]
            if selectors:
                yield f"{','.join(selectors)}{{{body}}}"


def _rules(css: str) -> Iterator[tuple[str, str]]:
    """(head, body) of each top-level rule; statements such as @charset are dropped, the theme has none that matters."""
    depth, start, opened = 0, 0, 0
    for match in re.finditer(r"""[{};]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'""", css):
        if match[0] == "{":
            depth += 1
            opened = match.start() if depth == 1 else opened
        elif match[0] == "}":
            depth -= 1
            if depth == 0:
                yield css[start:opened].strip(), css[opened + 1 : match.start()]
                start = match.end()
        elif match[0] == ";" and depth == 0:
            start = match.end()


def _selectors(head: str) -> Iterator[str]:
    """The members of a selector list, commas inside parentheses left alone."""
    depth, start = 0, 0
    for i, sign in enumerate(head):
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and depth == 0:
            yield head[start:i].strip()
            start = i + 1
    yield head[start:].strip()


def _alive(selector: str, used: set[str]) -> bool:
    """Whether each class that the selector asks for exists; those inside :not(), :is() and :where() are not asked for."""
    bare = selector
    while "(" in bare:
        shorter = re.sub(r":[\w-]+\([^()]*\)", "", bare)
        if shorter == bare:
            return True
        bare = shorter
    return all(name.replace("\\", "") in used for name in re.findall(r"\.(-?[_a-zA-Z](?:[\w-]|\\.)*)", bare))


def _classes(site: Path) -> Iterator[str]:
    """Class names in the pages, and every word of the scripts, which may add classes."""
    for page in site.rglob("*.html"):
        for names in re.findall(r'class="([^"]*)"', page.read_text("utf8")):
            yield from names.split()
    for script in (site / "_static").rglob("*.js"):
        yield from re.findall(r"[\w-]+", script.read_text("utf8"))


def _remove(path: Path) -> None:
    if not path.exists():
        return
    if path.is_dir():
        for child in path.iterdir():
            _remove(child)
        path.rmdir()
    else:
        path.unlink()
