"""The press: one bilingual source → two executed notebooks → two editions of the book."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = ROOT / "chapters"
PAGES = ROOT / "book" / "pages"
SOLUTIONS = ROOT / "solutions"
EXERCISES = ROOT / "exercises"


def relative(path: Path) -> Path:
    """A path as the reader of a message knows it."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


class Refused(Exception):
    """What the press won't print: file, line, the rule, and the texts that break it."""

    def __init__(self, path: Path, line: int, rule: str, *texts: str) -> None:
        super().__init__("\n".join([f"{relative(path)}:{line}: {rule}", *(f"  {text}" for text in texts)]))


def sources(names: list[str] | None = None, shelves: tuple[Path, ...] = (CHAPTERS, SOLUTIONS)) -> list[Path]:
    """The sources of chapters and of exercise sets in order, all of them or those named (`02_attention`)."""
    known = [path for shelf in shelves for path in sorted(shelf.glob("[0-9][0-9]_*.md"))]
    stems = sorted({path.stem for path in known})
    for name in names or []:
        if name not in stems:
            raise SystemExit(
                f"no source {name!r} in {' or '.join(f'{shelf.name}/' for shelf in shelves)}; there are: {', '.join(stems) or 'none'}."
            )
    return [path for path in known if path.stem in names] if names else known
