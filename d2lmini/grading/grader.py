"""Grade a folder: read each notebook in the sandbox, run its answers there, compare here, and keep what is done."""

import queue
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from d2lmini.exercises.diagnosis import Verdict
from d2lmini.exercises.exercise import Exercise
from d2lmini.exercises.notebook import seed_of
from d2lmini.exercises.sets import EXERCISES, SETS
from d2lmini.grading import isolation, submissions
from d2lmini.grading.records import Mark, Options, Record, digest, keep, kept
from d2lmini.grading.submissions import Mistaken, Submission
from d2lmini.grading.verdicts import UNREADABLE, clean, failure, verdict
from d2lmini.grading.walls import Plan, told
from d2lmini.grading.workers import Reply, Worker
from d2lmini.i18n import Text

REMARKS = {
    "definitions": Text(
        "Le notebook bloque ou s'arrête en route : seuls ses imports, fonctions et constantes ont été exécutés.",
        "The notebook hangs or stops on its way: only its imports, functions and constants were run.",
    ),
    "nothing": Text("Aucun exercice n'est défini dans ce notebook.", "No exercise is defined in this notebook."),
    "lost": Text("Une partie n'a pas pu être corrigée : relancez la correction.", "Part of it could not be graded: grade again."),
}
PATIENCE = 5  # a top-level statement may take a fifth of an exercise's time


def grade(options: Options, say: Callable[[Text], None]) -> list[Record]:
    """The records of all notebooks, in order; those already kept are not graded again."""
    if options.set and options.set not in SETS:
        text = Text("Il n'y a pas de série {name} ; il y a : {sets}.", "There is no set {name}; there are: {sets}.")
        raise Mistaken(text.fill(name=options.set, sets=", ".join(SETS)))
    found = submissions.find(options.folder)
    done = {submission: record for submission in found if (record := kept(submission, options)) is not None}
    if done:
        say(Text("Déjà corrigés et inchangés : {n}.", "Already graded and unchanged: {n}.").fill(n=len(done)))
    todo = [submission for submission in found if submission not in done]
    if todo:
        done |= _grade_all(todo, options, say)
    records = [done[submission] for submission in found]
    _fill_in(records, options)
    return records


def _grade_all(todo: list[Submission], options: Options, say: Callable[[Text], None]) -> dict[Submission, Record]:
    isolation.unreadable_memory()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    workers = [Worker(plan(options), options.fork) for _ in range(max(1, min(options.jobs, len(todo))))]
    idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
    stop = threading.Event()
    done: dict[Submission, Record] = {}
    try:
        _start(workers, say)
        for worker in workers:
            idle.put(worker)
        with ThreadPoolExecutor(len(workers)) as pool:
            futures = {pool.submit(_one, submission, options, idle, stop): submission for submission in todo}
            try:
                for future in tqdm(as_completed(futures), total=len(futures), disable=None, leave=False):
                    done[futures[future]] = future.result()
            except BaseException:
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                for worker in workers:
                    worker.close()
                raise
    finally:
        for worker in workers:
            worker.close()
        torch.set_num_threads(threads)
    return done


def _start(workers: list[Worker], say: Callable[[Text], None]) -> None:
    with ThreadPoolExecutor(len(workers)) as pool:
        try:
            list(pool.map(Worker.start, workers))
        except RuntimeError as command:
            text = Text("Le bac à sable ne démarre pas ; voyez pourquoi : {command}", "The sandbox does not start; see why: {command}")
            raise Mistaken(text.fill(command=command)) from None
    say(told(set.intersection(*(worker.layers for worker in workers))))


def plan(options: Options) -> Plan:
    """What the sandbox is told: nothing of the exercises, of other notebooks or of the reports is even readable there."""
    hidden = [Path(__file__).resolve().parents[1] / "exercises", options.folder.resolve(), options.out.resolve()]
    return Plan(memory=options.memory, seconds=options.seconds, folder="", hidden=tuple(map(str, hidden)), without=options.without)


# --- one notebook ---------------------------------------------------------------------------------------------------


def _one(submission: Submission, options: Options, idle: "queue.SimpleQueue[Worker]", stop: threading.Event) -> Record:
    worker = idle.get()
    try:
        record = grade_notebook(submission, options, worker)
    finally:
        idle.put(worker)
    lost = REMARKS["lost"] in record.remarks or UNREADABLE["lost"] in record.remarks
    if not (lost or stop.is_set() or worker.closed):
        keep(record, submission, options)
    return record


def grade_notebook(submission: Submission, options: Options, worker: Worker) -> Record:
    """The record of one notebook."""
    data = submission.read(options.folder)
    record = Record(submission.who, submission.page, digest(data))
    if isinstance(data, str):
        record.remarks = [UNREADABLE[data]]
        return record
    reply = worker.run({"kind": "facts", "data": data, "names": list(EXERCISES)})
    facts = _facts(reply)
    if isinstance(facts, str):
        record.remarks = [UNREADABLE[facts]]
        return record
    record.student, record.tokens = facts["student"], facts["tokens"]
    record.set = options.set or _set_of(facts)
    if not record.set:
        record.remarks = [REMARKS["nothing"]]
        return record
    _grade_exercises(record, facts, options, worker)
    return record


def _grade_exercises(record: Record, facts: dict[str, Any], options: Options, worker: Worker) -> None:
    seeds = {exercise.name: seed_of(record.student) if exercise.given else options.seed for exercise in SETS[record.set]}
    given = {exercise.name: exercise.given(seeds[exercise.name]) for exercise in SETS[record.set] if exercise.given}
    job = {
        "kind": "run",
        "cells": facts["cells"],
        "given": {name: numbers[0] if len(numbers) == 1 else numbers for name, numbers in given.items()},
        "patience": options.seconds / PATIENCE,
        "only_definitions": False,
    }
    for exercise in SETS[record.set]:
        cases = [(case.args, case.kwargs) for case in exercise.cases(seeds[exercise.name])]
        job |= {"name": exercise.name, "function": exercise.given is None, "cases": cases}
        reply = worker.run(job)
        if not job["only_definitions"] and reply.data is None and not reply.run and reply.how != "lost":
            job["only_definitions"] = True
            record.remarks.append(REMARKS["definitions"])
            reply = worker.run(job)
        found = verdict(exercise, reply, seeds[exercise.name])
        if "lost" in found.mistakes:
            record.remarks.append(REMARKS["lost"])
        record.marks.append(_mark(exercise, found, facts["code"].get(exercise.name, "")))


def _mark(exercise: Exercise, found: Verdict, code: str = "") -> Mark:
    return Mark(exercise.name, round(exercise.points * found.score, 2), found.state, list(found.mistakes), found.text, code)


def _facts(reply: Reply) -> dict[str, Any] | str:
    """What the sandbox read, each part of the kind it must be; or the code of a reason."""
    data = reply.data
    if reply.how != "ended" or not isinstance(data, dict):
        return "heavy" if reply.how in ("late", "flooded") else "lost"
    if "unreadable" in data or "note" in data:
        return data.get("unreadable", "heavy")
    return {
        "cells": [str(cell) for cell in data["cells"]],
        "source": clean(str(data["source"])),
        "student": clean(str(data["student"])),
        "names": [str(name) for name in data["names"]],
        "code": {name: clean(str(code)) for name, code in data["code"].items()},
        "tokens": [str(token) for token in data["tokens"]],
    }


def _set_of(facts: dict[str, Any]) -> str:
    """The set that the notebook says it was made for, else the one that most of its names belong to."""
    named = Path(facts["source"]).stem.lstrip("0123456789").lstrip("_")
    if named in SETS:
        return named
    names = set(facts["names"])
    counts = {name: sum(exercise.name in names for exercise in exercises) for name, exercises in SETS.items()}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else ""


def _fill_in(records: list[Record], options: Options) -> None:
    """A notebook that could not be read gets the exercises of the class, none of them done."""
    sets = Counter(record.set for record in records if record.set)
    usual = options.set or (max(sets, key=lambda name: (sets[name], name)) if sets else "")
    if not usual:
        text = Text(
            "Aucun notebook ne contient d'exercice connu : donnez la série avec --set ({sets}).",
            "No notebook holds a known exercise: give the set with --set ({sets}).",
        )
        raise Mistaken(text.fill(sets=", ".join(SETS)))
    for record in records:
        if not record.set:
            record.set = usual
            record.marks = [_mark(exercise, failure(exercise, "missing")) for exercise in SETS[usual]]
