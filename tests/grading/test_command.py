"""The command from end to end: reports, what is kept between two runs, errors, Ctrl-C."""

import csv
import os
import re
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from bs4 import BeautifulSoup

from d2lmini import set_language
from d2lmini.__main__ import main
from d2lmini.grading import grader, records
from d2lmini.i18n import Text
from tests.grading import conftest, samples

FORMULA = "=cmd|' C calc'!A0"
HTML = '<img src=x onerror="alert(1)">&'
QUICK = ["--time", "3", "--memory", "700", "--jobs", "1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Five notebooks, of which two are the same file."""
    found = tmp_path_factory.mktemp("class") / "handed in"
    conftest.good(found)
    for name in (FORMULA, "copy"):
        samples.save(found / f"{name}.ipynb", samples.cells())
    wrong = {"softmax": f"def softmax(scores):\n    # {HTML}\n    raise ValueError({HTML!r})\n"}
    cells = samples.cells(**wrong)
    samples.save(found / "léa 🎓.ipynb", [cells[0].replace('student = ""', f"student = {HTML!r}"), *cells[1:]])
    return found


@pytest.fixture(scope="module")
def graded(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "grades"
    set_language("fr")
    assert main(["grade", str(folder), "--lang", "fr", "--out", str(out), *QUICK]) == 0
    return out


def rows(path: Path, delimiter: str) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text("utf-8-sig").splitlines(), delimiter=delimiter))


def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text("utf8"), "html.parser")


def test_the_french_table_is_what_a_french_spreadsheet_opens(graded):
    assert (graded / "grades.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    table = {row["étudiant"]: row for row in rows(graded / "grades.csv", ";")}
    assert [table["bob"][key] for key in ("softmax", "attention", "total", "sur", "%")] == ["1,2", "4", "13,2", "14", "94,3"]
    assert table["bob"]["erreurs"] == "softmax:no_shift" and table["zoe"]["erreurs"] == "kernel_regression:shape"


def test_the_english_table_has_points_and_reuses_the_grades(graded, folder, capsys):
    french = (graded / "grades.csv").read_bytes()
    assert main(["grade", str(folder), "--lang", "en", "--out", str(graded), *QUICK]) == 0
    assert "Already graded and unchanged: 6." in capsys.readouterr().err
    table = {row["student"]: row for row in rows(graded / "grades.csv", ",")}
    assert [table["bob"][key] for key in ("softmax", "total", "out of", "%")] == ["1.2", "13.2", "14", "94.3"]
    assert main(["grade", str(folder), "--lang", "fr", "--out", str(graded), *QUICK]) == 0
    assert (graded / "grades.csv").read_bytes() == french


def test_no_cell_is_a_formula(graded):
    table = rows(graded / "grades.csv", ";")
    assert f"'{FORMULA}" in [row["étudiant"] for row in table]
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in table for cell in row.values())


def test_two_runs_give_the_same_bytes(graded, folder, tmp_path):
    assert main(["grade", str(folder), "--lang", "fr", "--out", str(tmp_path / "again"), *QUICK[:-1], "2"]) == 0
    for path in filter(Path.is_file, graded.iterdir()):
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


def test_what_a_student_wrote_is_only_text(graded):
    page = soup(graded / "léa_🎓.html")
    assert not page.find_all(["script", "img"])
    assert HTML in page.find("pre").text and HTML in page.find("strong").text
    assert HTML in page.find("section", class_="wrong").find("p").text


def test_pages_stand_alone_and_speak_both_languages(graded):
    pages = sorted(graded.glob("*.html"))
    assert len(pages) == 7
    for path in pages:
        page = soup(path)
        assert page.html["lang"] == "fr" and page.title.text
        assert page.find("input", id="show-fr").has_attr("checked") and not page.find("input", id="show-en").has_attr("checked")
        assert len(page.main.find_all(lang="fr")) == len(page.main.find_all(lang="en")) > 3
        links = [tag.get(key) for tag in page.find_all(True) for key in ("src", "href") if tag.get(key)]
        assert all((graded / re.sub("%..", "", link)).suffix in (".html", ".csv") and ":" not in link for link in links)
        assert "url(" not in page.style.text and "prefers-color-scheme: dark" in page.style.text
        assert page.style.text.count("{") == page.style.text.count("}")
        assert page.find(re.compile("^h[1-6]$")).name == "h1"


def test_every_tag_is_closed_where_it_should_be(graded):
    void = {"meta", "input"}
    for path in graded.glob("*.html"):
        opened: list[str] = []
        for close, name in re.findall(r"<(/?)([a-z]+\d?)[^>]*>", path.read_text("utf8").split("<!doctype html>")[1]):
            if close:
                assert opened.pop() == name, path.name
            elif name not in void:
                opened.append(name)
        assert opened == []


def test_the_overview_draws_the_commonest_mistakes(graded):
    page = soup(graded / "overview.html")
    charts = page.find_all("table")
    assert [row.find("td", class_="number").text for row in charts[0].tbody.find_all("tr")] == [*"0000000114"]
    mistakes = [row.text for row in charts[2].tbody.find_all("tr")]
    assert len(mistakes) == 3 and any("L’exponentielle déborde" in text for text in mistakes)
    names = {link.text: link["href"] for link in charts[3].find_all("a")}
    assert names["léa 🎓"] == "l%C3%A9a_%F0%9F%8E%93.html" and len(names) == 6


def test_the_same_file_is_told_twice_over(graded):
    table = {row["étudiant"]: row["ressemble à"] for row in rows(graded / "grades.csv", ";")}
    assert "ana" in table["copy"] and "copy" in table["ana"] and not table["bob"]
    assert "n’est pas une preuve" in (graded / "overview.html").read_text("utf8")
    assert "copy" not in (graded / "ana.html").read_text("utf8")  # a page that may be handed back


# --- resuming -------------------------------------------------------------------------------------------------------


@pytest.fixture
def calls(monkeypatch):
    """The notebooks really graded; the third one is stopped by Ctrl-C when there is a third."""
    seen: list[str] = []
    real = grader.grade_notebook

    def counted(submission, options, worker):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(submission.who)
        return real(submission, options, worker)

    monkeypatch.setattr(grader, "grade_notebook", counted)
    return seen


def test_ctrl_c_keeps_what_is_done_and_only_the_rest_is_graded(tmp_path, calls, capsys):
    conftest.good(tmp_path / "in")
    request = ["grade", str(tmp_path / "in"), "--out", str(tmp_path / "out"), *QUICK]
    assert main(request) == 130
    assert "what is graded is kept" in capsys.readouterr().err and not (tmp_path / "out" / "grades.csv").exists()
    assert sorted(calls) == ["ana", "bob"]
    calls.clear()
    threads = torch.get_num_threads()
    assert main(request) == 0 and calls == ["zoe"]
    assert torch.get_num_threads() == threads


def test_grades_depend_on_all_that_they_are_kept_under(tmp_path, monkeypatch):
    conftest.good(tmp_path)
    submission, other = grader.submissions.find(tmp_path)[:2]
    base = conftest.options(tmp_path, tmp_path / "out")
    others = [records.replace(base, **change) for change in ({"seed": 1}, {"seconds": 9.0}, {"memory": 99}, {"set": "masks"})]
    places = {records._place(submission, options) for options in [base, *others]} | {records._place(other, base)}
    monkeypatch.setattr(records, "_sources", lambda: "another exercise bank")
    assert len(places | {records._place(submission, base)}) == 7


@pytest.mark.parametrize("spoilt", ["", "{", "3", '{"who": 3}', '{"marks": 3, "remarks": [[]]}'])
def test_spoilt_results_are_not_taken(tmp_path, spoilt):
    conftest.good(tmp_path)
    submission, options = grader.submissions.find(tmp_path)[0], conftest.options(tmp_path, tmp_path / "out")
    mark = records.Mark("softmax", 1.5, "wrong", ["no_shift"], Text("faux", "wrong"), "code")
    record = records.Record(submission.who, submission.page, "digest", "attention", "Zoé", [mark], [Text("à", "b")], ["v0"])
    records.keep(record, submission, options)
    assert records.kept(submission, options) == record
    records._place(submission, options).write_text(spoilt)
    assert records.kept(submission, options) is None


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals to send to one process")
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_grader_that_ends_leaves_no_process_nor_folder(sent, code, tmp_path):
    samples.save(tmp_path / "in" / "slow.ipynb", samples.cells(softmax="def softmax(scores):\n    while True:\n        pass\n"))
    command = [sys.executable, "-m", "d2lmini", "grade", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--time", "60"]
    command += ["--jobs", "1"]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])}
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs start deaf to Ctrl-C
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, start_new_session=True, preexec_fn=heard)
    assert process.stderr is not None and b"apart" in process.stderr.readline()
    time.sleep(0.3)
    process.send_signal(sent)
    assert process.wait(20) == code
    deadline = time.monotonic() + 5
    while (conftest.sandboxes(str(tmp_path)) or list(tmp_path.glob("d2l-grade-*"))) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert conftest.sandboxes(str(tmp_path)) == [] and not list(tmp_path.glob("d2l-grade-*"))


# --- errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "fr", "en"),
    [
        (["absent"], "n’est pas un dossier", "is not a folder"),
        (["empty"], "Aucun notebook", "No notebook"),
        (["in", "--set", "atention"], "attention, masks", "there are: why_attention"),
        (["in", "--out", "in/grades"], "choisissez-en un autre", "choose another"),
        (["in", "--out", "in"], "choisissez-en un autre", "choose another"),
        (["in", "--out", "file"], "n’est pas un dossier", "is not a folder"),
        (["in", "--time", "0"], "trop petit", "too small"),
        (["in", "--memory", "-1"], "trop petit", "too small"),
        (["in", "--jobs", "0"], "trop petit", "too small"),
        (["other"], "donnez la série avec --set", "give the set with --set"),
    ],
)
def test_errors_take_one_line_and_tell_the_repair(arguments, fr, en, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    samples.save(tmp_path / "in" / "ana.ipynb", samples.cells())
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.ipynb").write_text("broken")
    monkeypatch.setattr(grader, "_grade_all", lambda todo, options, say: {s: records.Record(s.who, s.page, "") for s in todo})
    for language, text in (("fr", fr), ("en", en)):
        assert main(["grade", *arguments, "--lang", language]) == 2
        told = capsys.readouterr().err
        assert text in told and told.count("\n") == 1


def test_help_speaks_the_chosen_language(capsys):
    for language, word in (("fr", "mégaoctets"), ("en", "megabytes")):
        with pytest.raises(SystemExit):
            main(["grade", "--lang", language, "-h"])
        assert word in capsys.readouterr().out


def test_the_grader_is_imported_only_when_asked():
    code = "import d2lmini.__main__, sys; print([m for m in sys.modules if m in ('torch', 'd2lmini.grading', 'd2lmini.exercises')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
