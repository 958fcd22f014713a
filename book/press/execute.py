"""Run the notebooks whose code or library changed, two at a time, and keep the outputs of the others."""

import json
import os
import re
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from book.press import EXERCISES, SOLUTIONS, Refused, fingerprint, relative, sources
from book.press.split import split
from d2lmini.i18n import LANGUAGES, Language

MAX_BYTES = 1_500_000
WORKERS = 2


def target(path: Path, language: Language, unsolved: bool = False) -> Path:
    """Where the executed notebook of a source lives: chapters/fr/02_attention.ipynb, or exercises/fr/ for a set without its answers."""
    return (EXERCISES if unsolved else path.parent) / language / f"{path.stem}.ipynb"


def is_fresh(path: Path, language: Language, unsolved: bool = False) -> bool:
    """Whether the committed notebook is what the source and the library would give again."""
    return why_stale(path, language, unsolved) is None


def why_stale(path: Path, language: Language, unsolved: bool = False) -> str | None:
    """What is wrong with a committed notebook, or None: missing, edited, never executed, outdated."""
    place = target(path, language, unsolved)
    name = relative(place)
    if not place.exists():
        return f"{name} does not exist"
    committed, fresh = nbformat.read(place, as_version=4), split(path, language, unsolved=unsolved)
    for new, old in zip(fresh.cells, committed.cells, strict=False):
        if (new.id, new.source, new.metadata) != (old.id, old.source, old.metadata):
            return f"{name}, cell {new.id}: differs from {path.name} (edited by hand, or the source moved on)"
    if len(fresh.cells) != len(committed.cells):
        return f"{name} has {len(committed.cells)} cells where {path.name} gives {len(fresh.cells)}"
    for cell in committed.cells:
        if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
            return f"{name}, cell {cell.id}: never executed"
    if committed.metadata.d2l.get("key") != _key(fresh):
        return f"{name} was executed by other code than today's d2lmini"
    return None


def update(path: Path, language: Language, unsolved: bool = False) -> str:
    """Bring one notebook up to date and say what was done: kept, retold (prose only) or executed."""
    place = target(path, language, unsolved)
    name = relative(place)
    if is_fresh(path, language, unsolved):
        return f"{name}: kept"
    notebook = split(path, language, unsolved=unsolved)
    notebook.metadata.d2l.key = _key(notebook)
    if _graft(notebook, place):
        _write(notebook, place)
        return f"{name}: outputs kept, prose renewed"
    start = time.perf_counter()
    _run(notebook, path, language)
    _tidy(notebook, path, language)
    _write(notebook, place)
    return f"{name}: executed in {time.perf_counter() - start:.0f} s"


def _key(notebook: NotebookNode) -> str:
    return fingerprint.key(cell.source for cell in notebook.cells if cell.cell_type == "code")


def _graft(notebook: NotebookNode, place: Path) -> bool:
    """Take the outputs of an earlier run of the same code, if there is one."""
    if not place.exists():
        return False
    old = nbformat.read(place, as_version=4)
    if old.metadata.d2l.get("key") != notebook.metadata.d2l.key:
        return False
    graft(notebook, old)
    return all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")


def graft(notebook: NotebookNode, executed: NotebookNode) -> None:
    """Copy outputs, execution counts and widget states between notebooks that share their cell ids."""
    by_id = {cell.id: cell for cell in executed.cells if cell.cell_type == "code"}
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.id in by_id:
            cell.outputs, cell.execution_count = by_id[cell.id].outputs, by_id[cell.id].execution_count
    if "widgets" in executed.metadata:
        notebook.metadata.widgets = executed.metadata.widgets


def _run(notebook: NotebookNode, path: Path, language: Language) -> None:
    environment = dict(os.environ, PYTHONHASHSEED="0", D2L_QUIET="1")  # no progress bars
    client = NotebookClient(
        notebook,
        timeout=600,
        kernel_name="python3",
        record_timing=False,
        extra_arguments=["--IPKernelApp.log_level=40"],  # it would warn that it talks over loopback
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        client.execute(env=environment)
    except CellExecutionError as error:
        index = next(i for i, cell in enumerate(notebook.cells) if any(o.output_type == "error" for o in cell.get("outputs", ())))
        trace = re.sub(r"\x1b\[[\d;]*m", "", error.traceback)
        raise SystemExit(f"{path.name} [{language}], cell {index + 1} ({notebook.cells[index].id}) failed:\n{trace}") from None


def _tidy(notebook: NotebookNode, path: Path, language: Language) -> None:
    """Same bytes at every run: no clock, no machine, no random names; and no figure without its sentence."""
    notebook.metadata.language_info = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        _join_streams(cell)
        for output in cell.get("outputs", ()):
            _refuse_mute(output, cell, path, language)
    _name_widgets(notebook)


def _join_streams(cell: NotebookNode) -> None:
    """The kernel cuts what a cell prints at random moments; put the pieces back together."""
    joined: list[NotebookNode] = []
    for output in cell.get("outputs", ()):
        if joined and output.output_type == "stream" and joined[-1].get("name") == output.name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    if "outputs" in cell:
        cell.outputs = joined


def _refuse_mute(output: NotebookNode, cell: NotebookNode, path: Path, language: Language) -> None:
    for kind in output.get("data", {}):
        if kind.startswith("image/") and not output.metadata.get(kind, {}).get("alt", "").strip():
            line = 1 + path.read_text("utf8").split(cell.source)[0].count("\n")
            rule = f"a figure without alternative text [{language}]; end with plots.show(fig, alt=t('…', '…'))"
            raise Refused(path, line, rule, cell.source.split("\n")[-1])


def _name_widgets(notebook: NotebookNode) -> None:
    """Widgets are born with random names; number them in order of appearance instead."""
    state = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    text = json.dumps(notebook, ensure_ascii=False)

    def place(name: str) -> tuple[int, str, str]:  # those in view come first, then the rest by what they are
        view = text.find(f'"model_id": "{name}"') % len(text)
        return view, state[name]["model_name"], re.sub(r"IPY_MODEL_\w+", "", json.dumps(state[name]["state"], sort_keys=True))

    for i, name in enumerate(sorted(state, key=place)):
        text = text.replace(name, f"{i:032x}")
    renamed = nbformat.from_dict(json.loads(text))
    notebook.cells, notebook.metadata = renamed.cells, renamed.metadata
    if state:
        widgets = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]
        widgets.state = {name: widgets.state[name] for name in sorted(widgets.state)}


def _write(notebook: NotebookNode, place: Path) -> None:
    """All or nothing: an interrupted run leaves the earlier notebook as it was."""
    text = nbformat.writes(notebook) + "\n"
    if len(text.encode()) > MAX_BYTES:
        raise SystemExit(f"{place.name} weighs {len(text) / 1e6:.1f} MB; {MAX_BYTES / 1e6} at most: draw fewer points or fewer figures.")
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_suffix(".draft")
    draft.write_text(text, "utf8")
    draft.replace(place)


def _attempt(job: tuple[Path, Language, bool]) -> tuple[bool, str]:
    try:
        return True, update(*job)
    except (SystemExit, Refused, RuntimeError) as problem:  # the last: a kernel that would not start
        return False, str(problem)


def main(names: list[str]) -> None:
    """Update the named chapters and sets, or all; exit with every problem found."""
    jobs = [
        (path, language, unsolved)
        for path in sources(names)
        for language in LANGUAGES
        for unsolved in ((False, True) if path.parent == SOLUTIONS else (False,))
    ]
    failed = []
    with ProcessPoolExecutor(WORKERS) as pool:
        for fine, message in pool.map(_attempt, jobs):
            print(message, flush=True) if fine else failed.append(message)
    if failed:
        raise SystemExit("\n\n".join(failed))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        raise SystemExit("interrupted: the notebooks finished so far are kept, the others are as they were.") from None
