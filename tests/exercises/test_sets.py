"""The checks reject every mistake and name it, alone and in pairs; they let through every other way of being right."""

import importlib
import itertools
from functools import partial

import pytest

from book.press import markup, spelling
from d2lmini import trial
from d2lmini.exercises.diagnosis import diagnose
from d2lmini.exercises.exercise import Exercise
from d2lmini.exercises.sets import EXERCISES, SETS

SEEDS = range(5)
FORMULAS = set("True exp inf eᶻ mean root sigmoid warmup Pᵀ r⁴ ib iω Vaswani et al".split())  # words that are code, signs or names
EACH = pytest.mark.parametrize("exercise", EXERCISES.values(), ids=lambda exercise: exercise.name)
MISTAKES = pytest.mark.parametrize(
    ("exercise", "mistake"),
    [(exercise, mistake) for exercise in EXERCISES.values() for mistake in exercise.mistakes],
    ids=lambda x: getattr(x, "name", x),
)


def verdict(exercise: Exercise, answer, seed=0):
    if exercise.given and callable(answer):
        answer = answer(*exercise.given(seed))
    return diagnose(exercise, trial.run(answer, exercise.cases(seed)), seed)


@EACH
def test_the_reference_is_right_and_leaves_its_arguments_alone(exercise):
    for seed in SEEDS:
        assert verdict(exercise, exercise.model, seed).state == "right"


@EACH
@pytest.mark.parametrize("seed", SEEDS)
def test_other_right_answers_pass(exercise, seed):
    """Two answers written another way, in tests/exercises/answers/SET.py: a list under the exercise's name."""
    name = next(name for name, exercises in SETS.items() if exercise in exercises)
    answers = getattr(importlib.import_module(f"tests.exercises.answers.{name}"), exercise.name)
    assert len(answers) >= 2
    for answer in answers:
        found = verdict(exercise, answer, seed)
        assert found.state == "right", found.text.en


@MISTAKES
def test_each_mistake_is_named(exercise, mistake):
    for seed in SEEDS:
        found = verdict(exercise, partial(exercise.model, bugs=frozenset([mistake])), seed)
        assert found.state == "wrong" and found.mistakes == (mistake,), found.text.en
        assert found.text.fr.startswith(exercise.mistakes[mistake].fr)
        assert found.text.en.startswith(exercise.mistakes[mistake].en)


@EACH
def test_no_pair_of_mistakes_passes(exercise):
    for pair in itertools.combinations(exercise.mistakes, 2):
        assert verdict(exercise, partial(exercise.model, bugs=frozenset(pair))).state == "wrong", pair


@EACH
def test_lazy_answers_earn_little(exercise):
    def empty(*args, **kwargs):
        raise NotImplementedError

    assert verdict(exercise, ... if exercise.given else empty).state == "todo"
    if not exercise.given:
        for lazy in (lambda *args, **kwargs: None, lambda *args, **kwargs: args[0], lambda *args, **kwargs: 0.0):
            found = verdict(exercise, lazy)
            assert found.state == "wrong" and found.score <= 0.5, found


@EACH
def test_everything_is_said_in_both_languages(exercise):
    texts = [exercise.title, exercise.skill, *exercise.hints, *exercise.mistakes.values(), *(case.label for case in exercise.cases(0))]
    assert all(text.fr and text.en for text in texts)
    assert all(text.fr != text.en for text in [exercise.title, exercise.skill, *exercise.hints, *exercise.mistakes.values()])
    assert len(exercise.hints) >= 2 and exercise.level in (1, 2, 3)
    for text in texts:
        assert markup.numbers(text.fr, "fr") == markup.numbers(text.en, "en"), text
        assert {*spelling.misspelt(text.fr, "fr"), *spelling.misspelt(text.en, "en")} <= FORMULAS, text


def test_names_are_used_once():
    assert len(EXERCISES) == sum(len(exercises) for exercises in SETS.values())
