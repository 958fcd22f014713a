"""The press: one bilingual source → two executed notebooks → two editions of the book."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = ROOT / "chapters"
PAGES = ROOT / "book" / "pages"


def relative(path: Path) -> Path:
    """A path as the reader of a message knows it."""
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


class Refused(Exception):
    """What the press won't print: file, line, the rule, and the texts that break it."""

    def __init__(self, path: Path, line: int, rule: str, *texts: str) -> None:
        super().__init__("\n".join([f"{relative(path)}:{line}: {rule}", *(f"  {text}" for text in texts)]))


def sources(names: list[str] | None = None) -> list[Path]:
    """The chapters' sources in order, all of them or those named (`02_attention`)."""
    known = {path.stem: path for path in sorted(CHAPTERS.glob("[0-9][0-9]_*.md"))}
    for name in names or []:
        if name not in known:
            raise SystemExit(f"no chapter {name!r} in {CHAPTERS.name}/; there are: {', '.join(known) or 'none'}.")
    return [known[name] for name in names] if names else list(known.values())
