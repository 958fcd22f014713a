"""What a check says when no mistake of the catalogue explains the answer: the kind of gap, where it is, never the answer's code."""

import pytest
import torch

from d2lmini import trial
from d2lmini.exercises.diagnosis import diagnose
from d2lmini.exercises.exercise import NONE, exercise, question
from d2lmini.i18n import Text
from d2lmini.trial import Case

TEXTS = {"title": Text("Titre", "Title"), "skill": Text("savoir", "knowing"), "hints": (Text("un", "one"), Text("deux", "two"))}


@exercise(
    **TEXTS, level=1, minutes=5, points=2,
    cases=lambda seed: [Case(Text("petit", "small"), (torch.tensor([[1.0, -2.0]]),)), Case(Text("nul", "zero"), (torch.zeros(2, 3),))],
    mistakes={"sign": Text("Signe faux.", "Wrong sign."), "twice": Text("Deux fois trop.", "Twice too much.")},
)  # fmt: skip
def scale(x, *, bugs=NONE):
    return x * (-3 if "sign" in bugs else 3) * (2 if "twice" in bugs else 1)


@question(
    **TEXTS, level=1, minutes=5, points=1, given=lambda seed: (seed + 2,),
    mistakes={"off": Text("Un de trop.", "One too many.")},
)  # fmt: skip
def sizes(n, *, bugs=NONE):
    return [n + ("off" in bugs), n * n, f"({n},)"]


def said(answer, of=scale, seed=0):
    return diagnose(of, trial.run(answer, of.cases(seed)), seed)


def test_two_mistakes_at_once_are_both_named():
    found = said(lambda x: -6 * x)
    assert found.mistakes == ("sign", "twice")
    assert found.text.en == 'Wrong sign. Twice too much. First gap, case "small", index [0, 0]: expected 3, got −6.'
    assert found.text.fr == "Signe faux. Deux fois trop. Premier écart, cas « petit », indice [0, 0] : attendu 3, obtenu −6."


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (lambda x: 3 * x + 0.5, "value", ["not the right one", "index [0, 0]", "expected 3, got 3.5", "passed: 0 of 2"]),
        (lambda x: 3 * x.T, "shape", ["Shape (1, 2) was expected", "gives (2, 1)", 'Case "small"']),
        (lambda x: (3 * x).long(), "type", ["should give a tensor of floats, and gives a tensor of integers"]),
        (lambda x: None, "none", ["returns None", "`return`"]),
        (lambda x: (x - x) / (x - x), "nan", ["NaN"]),
        (lambda x: x @ x, "raised", ["raises RuntimeError on its line 1", "cannot be multiplied"]),
        (lambda x: 7, "type", ["should give a tensor of floats, and gives a number"]),
    ],
)  # fmt: skip
def test_the_gap_is_told(answer, kind, words):
    found = said(answer)
    assert found.state == "wrong" and found.mistakes == (kind,)
    assert all(word in found.text.en for word in words), found.text.en


@exercise(
    **TEXTS, level=1, minutes=5, points=2, mistakes={},
    cases=lambda seed: [Case(Text("deux", "two"), (torch.arange(6).reshape(2, 3),))],
)  # fmt: skip
def halves(x, *, bugs=NONE):
    return x > 2, x.float()


def test_the_gap_is_looked_for_inside_pairs():
    found = said(lambda x: (x > 2, x + 0.5 * (x > 4)), halves)
    assert found.text.en.startswith('The result is not the right one. First gap, case "two", result 2, index [1, 2]: expected 5, got 5.5.')
    assert said(lambda x: (x > 2, x.float().T), halves).mistakes == ("shape",)
    assert said(lambda x: x > 2, halves).mistakes == ("type",)
    assert "holds 3 items; 2 are needed" in said(lambda x: (x, x, x), halves).text.en


@exercise(
    **TEXTS, level=1, minutes=5, points=2, mistakes={"lists": Text("Des listes.", "Lists.")},
    cases=lambda seed: [Case(Text("deux", "two"), ([1, 2],))],
)  # fmt: skip
def total(x, *, bugs=NONE):
    return x - 1 if "lists" in bugs else sum(x)


def test_an_error_on_every_case_is_named_only_by_its_own_words():
    assert said(lambda x: x - 1, total).mistakes == ("lists",)
    assert said(lambda x: x + 1, total).mistakes == ("raised",)


def test_right_cases_earn_their_share():
    assert said(lambda x: 3 * x if x.any() else x + 1).score == 0.5
    assert said(lambda x: 3 * x).score == 1


def test_changing_the_argument_is_refused():
    found = said(lambda x: x.mul_(3))
    assert found.state == "wrong" and found.mistakes == ("touched",)


def test_an_empty_function_is_not_a_mistake():
    def empty(x):
        raise NotImplementedError

    def unlucky(x):
        raise NotImplementedError('"tril" not implemented for Bool')  # as torch says of some operations

    assert said(empty).state == "todo"
    assert said(unlucky).mistakes == ("raised",)
    assert said(..., sizes).state == "todo"


def test_questions_are_credited_answer_by_answer_and_never_give_the_number():
    assert said([2, 4, "(2,)"], sizes).state == "right"
    assert said(torch.tensor([2, 4]), sizes).mistakes == ("length",)
    assert said(torch.zeros(3, 3), sizes).mistakes == ("type",)
    assert said(torch.zeros(10**9, 0), sizes).mistakes == ("type",)  # no weight, yet a list of a billion lists
    found = said([2, 5, "(2,)"], sizes)
    assert found.score == pytest.approx(2 / 3)
    assert found.text.en == "The result is not the right one. Wrong answer: number 2."
    assert found.text.fr == "Le résultat n'est pas le bon. Réponse fausse : la 2e."
    assert said([3, 4, "(2,)"], sizes).mistakes == ("off",)
    assert said([5, 25, "(5,)"], sizes, seed=3).state == "right"
