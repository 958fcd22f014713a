"""The sandbox from both ends: what enters it, what comes out, what happens when it dies, and where there is no fork."""

import ast
import os
import pickle
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch

from d2lmini.exercises.sets import EXERCISES
from d2lmini.grading import grader, running, seccomp, submissions, verdicts, walls, workers
from d2lmini.grading.walls import Plan
from d2lmini.grading.workers import Worker
from tests.grading import conftest, hostile, samples

JOB = {"kind": "run", "given": {}, "patience": 1.0, "only_definitions": False, "name": "f", "function": True, "cases": [((2,), {})]}


@pytest.fixture(scope="module")
def worker():
    os.environ["SOME_TOKEN"] = "secret"
    found = Worker(Plan(memory=500, seconds=2.0, folder="", without=conftest.WITHOUT))
    found.start()
    yield found
    found.close()
    del os.environ["SOME_TOKEN"]


def run(worker: Worker, *cells: str, **more: object):
    return worker.run({**JOB, "cells": list(cells), **more})


def test_the_sandbox_never_imports_the_exercises(worker):
    code = "def f(x):\n  import sys\n  return [[name, len(vars(module))] for name, module in sys.modules.items() if 'd2lmini' in name]"
    seen = dict(run(worker, code).data["outcomes"][0][0])
    exercises = {name for name in seen if name.startswith("d2lmini.exercises")}
    assert exercises == {"d2lmini.exercises", "d2lmini.exercises.notebook"} and seen["d2lmini.exercises"] < 15  # the stub
    assert "d2lmini.grading.verdicts" not in seen and "d2lmini.grading.running" in seen


@pytest.mark.parametrize("name", EXERCISES)
def test_what_enters_the_sandbox_holds_nothing_of_the_exercises(name):
    exercise = EXERCISES[name]
    data = pickle.dumps([(case.args, case.kwargs) for case in exercise.cases(12345)])
    assert b"d2lmini" not in data


def test_a_sandbox_that_dies_costs_one_job(worker):
    assert run(worker, "def f(x): return x").data["outcomes"][0][0] == 2
    threading.Timer(0.3, lambda: os.kill(worker._sandbox.process.pid, signal.SIGKILL)).start()
    assert run(worker, "def f(x):\n  while True: pass").how == "lost"
    assert run(worker, "def f(x): return x + 1").data["outcomes"][0][0] == 3


def test_the_environment_of_the_teacher_stays_outside(worker):
    code = "def f(x):\n  import os, pathlib\n  return sorted(os.environ) + [os.environ['HOME'] == os.getcwd(), len(os.listdir('.'))]"
    *names, home, files = run(worker, code).data["outcomes"][0][0]
    assert "SOME_TOKEN" not in names and home is True and files == 0


def test_the_current_folder_is_not_made_readable(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.syspath_prepend("")
    paths = workers._environment(tmp_path)["PYTHONPATH"].split(os.pathsep)
    assert str(tmp_path.resolve()) not in paths and str(Path(workers.__file__).parents[2]) == paths[0]


def test_random_numbers_are_the_same_at_each_run(worker):
    code = "def f(x):\n  import random, torch\n  return [random.random(), torch.rand(1), hash('a')]"
    first, second = (run(worker, code).data["outcomes"][0][0] for _ in range(2))
    assert first[0] == second[0] and torch.equal(first[1], second[1]) and first[2] == second[2]


def test_a_statement_that_fails_costs_one_line(worker):
    assert run(worker, "a = 1\nb = 1 / 0\ndef f(x): return a", "syntax error", "c = 2").data["outcomes"][0][0] == 1


def test_the_last_solved_binding_counts(worker):
    stubs = ["def f(x): raise NotImplementedError", "f = ...", "f = 3"]
    assert run(worker, "def f(x): return 1", "def f(x): return 2", *stubs).data["outcomes"][0][0] == 2
    assert run(worker, *stubs[:1]).data["outcomes"][0][1] == "NotImplementedError"
    assert run(worker, stubs[2]).data["note"] == ["not_function", "int"]
    reused = ["def f(x): return 1", "def f(x, axis): return x", "f = __import__('torch').nn.MultiheadAttention(8, 2)"]
    assert run(worker, *reused).data["outcomes"][0][0] == 1


def test_annotations_are_not_computed(worker):
    assert run(worker, "def f(x: Missing[2]) -> Absent: return x").data["outcomes"][0][0] == 2


def test_a_neighbors_folder_can_be_neither_taken_nor_left():
    open_house = Worker(Plan(memory=500, seconds=2.0, folder="", without=("user",)))
    open_house.start()
    squat = "import os\nn = int(os.path.basename(os.getcwd()))\nfor i in range(1, 9): os.mkdir(f'../{n + i}')"
    try:
        run(open_house, squat, "def f(x): return x")
        code = "def f(x):\n  import os\n  return len(os.listdir('..'))"
        assert [run(open_house, code).data["outcomes"][0][0] for _ in range(2)] == [1, 1]
    finally:
        open_house.close()


def test_given_numbers_are_those_of_the_parent(worker):
    code = 'import d2lmini.exercises\nfrom d2lmini.exercises import given, check\nf = [given("f", "Zoé"), d2lmini.exercises.given("g")]'
    assert run(worker, code, given={"f": 7}, function=False).data["outcomes"][0][0] == [7, None]


def test_memory_is_a_teachers_own(worker):
    if sys.platform != "linux":
        pytest.skip("Linux only")
    isolation_script = (
        "import os, sys; from d2lmini.grading import isolation; isolation.unreadable_memory(); "
        "print(os.stat('/proc/self/mem').st_uid, flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen([sys.executable, "-c", isolation_script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline().strip() == b"0"  # root's: nobody else's process may open it
    process.communicate(b"")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="compares with fork")
def test_without_fork_the_verdicts_are_the_same(short_set, worker, tmp_path):
    attacks = ("loop inside", "question that raises")
    changed = {name: code for attack in attacks for name, code in hostile.ATTACKS[attack].changed.items()}
    changed["kernel_regression"] = "def kernel_regression(x_query, x, y, width):\n    return torch.ones(10 * 2**30)\n"
    samples.save(tmp_path / "ana.ipynb", samples.cells(**changed))
    options, submission = conftest.options(tmp_path, tmp_path), submissions.find(tmp_path)[0]
    forked = grader.grade_notebook(submission, options, worker).marks
    assert grader.grade_notebook(submission, options, Worker(worker.plan, fork=False)).marks == forked
    assert [mark.mistakes for mark in forked] == [["time"], ["cell"], ["memory"]]


# --- walls ----------------------------------------------------------------------------------------------------------


def test_what_is_missing_is_said_aloud():
    every = set(walls.LAYERS)
    assert "Not on this system" not in walls.told(every).en
    poor = walls.told({"memory", "limits"})
    assert "Not on this system: another user" in poor.en and "change your files" in poor.en and "conteneur" in poor.fr
    assert "use the network" not in walls.told(every - {"network"}).en


def ends(steps: list[bytes], number: int, argument: int, architecture: int) -> int:
    """What the kernel would answer: a small interpreter of the filter."""
    seen, at, accumulator = {0: number, 4: architecture, 16: argument}, 0, 0
    while True:
        code, then, otherwise, value = struct.unpack("=HBBI", steps[at])
        if code == seccomp.RETURN:
            return value
        if code == seccomp.LOAD:
            accumulator, at = seen[value], at + 1
            continue
        true = {
            seccomp.EQUAL: accumulator == value,
            seccomp.AT_LEAST: accumulator >= value,
            seccomp.ANY_BIT: bool(accumulator & value),
        }[code]
        at += 1 + (then if true else otherwise)


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
def test_the_filter_refuses_what_it_should_on_each_machine(machine):
    column, architecture = seccomp.ARCHITECTURES[machine]
    steps = seccomp.program(column, architecture, pid=77)

    def answer(number: int, argument: int = 0, of: int = architecture) -> int:
        return ends(steps, number, argument, of)

    denied, missing = 0x50000 | 1, 0x50000 | 38
    for numbers in seccomp.REFUSED.values():
        assert numbers[column] is None or answer(numbers[column]) == denied
    for name, numbers in seccomp.ON_ITSELF.items():
        assert answer(numbers[column], 77) == seccomp.ALLOW and answer(numbers[column], 78) == denied
        assert answer(numbers[column], 0) == (seccomp.ALLOW if name == "prlimit64" else denied)
        assert answer(numbers[column], 0xFFFFFFFF) == denied  # everyone
    assert answer(seccomp.CLONE[column], 0x3D0F00) == seccomp.ALLOW  # what pthread_create asks for
    assert answer(seccomp.CLONE[column], 17) == denied and answer(seccomp.CLONE3) == missing
    assert answer({"x86_64": 0, "aarch64": 63}[machine]) == seccomp.ALLOW  # read
    assert answer(0, of=0x40000003) == denied


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("a = 1", True), ("a = [1, -2, 1 / 3]", True), ("f = lambda x: spin()", True), ("f = torch.softmax", True), ("import x", True),
        ("a = spin()", False), ("a = 2 ** 10**9", False), ("spin()", False), ("a = [x for x in y]", False), ("if a: pass", False),
    ],
)  # fmt: skip
def test_definitions_are_what_can_not_hang(code, kept):
    assert running.is_definition(ast.parse(code).body[0]) is kept


@pytest.mark.parametrize("code", ["lost", "time", "signal", "flooded"])
def test_only_the_grader_says_that_it_failed(code):
    forged = workers.Reply("ended", data={"note": [code], "outcomes": []})
    assert verdicts.verdict(EXERCISES["softmax"], forged, 0).mistakes == ("garbled",)
