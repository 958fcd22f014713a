"""Hostile and clumsy notebooks cost what they touch, and nothing else: no neighbour, no file, no process, no packet."""

import dataclasses

import pytest

from d2lmini.grading import grader, submissions
from tests.grading import conftest, hostile, samples

NAMES = [*hostile.ATTACKS, "no metadata", "format 3", "byte order mark", "utf-16", "latin 1", "odd cells", "other set named",
         "outputs", "french", "in a folder/work", "named"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_each_costs_what_it_touches(graded, name):
    if name not in graded.expected:
        pytest.skip(f"this system lacks the walls that stop it: {hostile.ATTACKS[name].needs}")
    attack, record = graded.expected[name], graded.records[name]
    for mark in record.marks:
        wanted = attack.found.get(mark.name, "right").split()
        got = mark.mistakes[0] if mark.mistakes else mark.state
        assert got in wanted, (mark.name, mark.text.en, [remark.en for remark in record.remarks])
        if mark.name not in attack.found:
            assert mark.earned == samples.POINTS[mark.name]
        elif wanted[0] not in ("touched", "raised"):
            assert mark.earned == 0
        assert mark.text.fr and mark.text.en
    assert attack.remark is None or bool(record.remarks) == attack.remark


@pytest.mark.parametrize("name", hostile.UNREADABLE)
def test_what_is_not_a_notebook_earns_nothing_and_says_why(graded, name):
    record = graded.records[name]
    assert record.total == 0 and record.maximum == sum(samples.POINTS[name] for name in conftest.SHORT)
    assert hostile.UNREADABLE[name][1] in record.remarks[0].en


@pytest.mark.parametrize(("name", "word"), [("link", "link"), ("folder", "can't be read"), ("pipe", "can't be read")])
def test_links_folders_and_pipes_are_not_followed(graded, name, word):
    assert word in graded.records[name].remarks[0].en and graded.records[name].total == 0


def test_neighbours_earn_what_they_earn_alone(graded, tmp_path):
    conftest.good(tmp_path)
    options = conftest.options(tmp_path, tmp_path)
    alone = {one.who: grader.grade_notebook(one, options, graded.worker) for one in submissions.find(tmp_path)}
    lost = sum(samples.POINTS[name] for name in samples.POINTS if name not in conftest.SHORT)
    assert {who: record.total + lost for who, record in alone.items()} == {who: total for who, (_, total) in conftest.GOOD.items()}
    for who, record in alone.items():
        assert dataclasses.asdict(graded.records[who]) == dataclasses.asdict(record)


def test_no_file_changes_outside(graded):
    place = graded.place
    assert conftest.snapshot(place.victim, place.submissions) == graded.before
    assert [path.name for path in place.out.iterdir()] == [".results"]
    if "landlock" in graded.worker.layers:
        for folder in ("/tmp", "/var/tmp", "/dev/shm"):
            assert not list(conftest.Path(folder).glob(f"d2l-escape-{place.canary}*"))


def test_no_process_stays(graded):
    graded.worker.close()
    assert conftest.sandboxes(str(graded.place.submissions)) == []


def test_nothing_leaves_by_the_network(graded):
    assert graded.listened == []
