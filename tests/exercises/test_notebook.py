"""The four calls of an exercise notebook: they print in the reader's language and don't raise on a wrong answer."""

import sys

import pytest
import torch

from d2lmini import i18n
from d2lmini.exercises import check, check_all, earned, given, hint, notebook
from d2lmini.exercises.sets import SETS


@pytest.fixture
def here(monkeypatch):
    """The names of the notebook, which the checks look up."""
    space = type(sys)("__main__")
    monkeypatch.setitem(sys.modules, "__main__", space)
    monkeypatch.setattr(notebook, "_shown", {})
    yield space
    i18n.set_language("en")


def test_check_speaks_the_readers_language(here, capsys):
    here.softmax = lambda scores: scores.softmax(0)
    check("softmax")
    assert capsys.readouterr().out.startswith("❌ The softmax runs over the first axis")
    i18n.set_language("fr")
    check("softmax")
    assert capsys.readouterr().out.startswith("❌ Le softmax porte sur le premier axe")
    here.softmax = lambda scores: scores.softmax(-1)
    check("softmax")
    assert capsys.readouterr().out == "✅ Bravo, `softmax` est juste (5 cas).\n"


def test_an_answer_can_be_given_and_an_absent_one_is_said(here, capsys):
    check("softmax", torch.nn.Softmax(dim=-1))
    assert capsys.readouterr().out.startswith("✅")
    check("attention")
    assert capsys.readouterr().out == "⏳ `attention` does not exist yet: run its cell first.\n"
    here.attention = 3
    check("attention")
    assert "does not exist yet" in capsys.readouterr().out


def test_hints_come_one_more_at_each_call(here, capsys):
    for seen in (1, 2, 2):
        hint("softmax")
        assert capsys.readouterr().out.count("💡") == seen


def test_each_student_has_numbers_of_their_own(here, capsys):
    assert given("weights_by_hand") == given("weights_by_hand", "  ")
    assert given("weights_by_hand", "Awa Diop") == given("weights_by_hand", " awa  DIOP")
    assert len({str(given("weights_by_hand", name)) for name in ("", "Awa", "Bo", "Chloé", "Dov")}) > 2
    q, keys = given("weights_by_hand", "Awa Diop")
    here.weights_by_hand = (torch.tensor(keys) @ torch.tensor(q) / 2).softmax(0)
    here.student = "Awa Diop"
    check("weights_by_hand")
    assert capsys.readouterr().out.startswith("✅")


def test_check_all_draws_how_far_one_is(here, capsys):
    here.softmax = lambda scores: scores.softmax(-1)
    here.attention = lambda q, k, v, mask=None: q
    check_all("attention")
    lines = capsys.readouterr().out.splitlines()
    assert [line[0] for line in lines[:-1]] == ["✅", "⏳", "❌", "⏳", "⏳"]
    assert lines[-1] == "█░░░░ 1 of 5 · 2.0 points of 14"


def test_earned_gives_the_share_of_the_points(here):
    here.softmax = lambda scores: scores.exp() / scores.exp().sum(-1, keepdim=True)
    assert earned("softmax") == 1.2  # three cases of five, of two points
    assert earned("attention") == 0.0


def test_names_that_do_not_exist_get_a_suggestion():
    with pytest.raises(ValueError, match=r"no exercise is called 'sofmax'; did you mean 'softmax'\?"):
        check("sofmax", 1)
    with pytest.raises(ValueError, match="no set is called 'seven'; there are: "):
        check_all("seven")
    with pytest.raises(ValueError, match="asks for a function and gives no numbers"):
        given("softmax")


def test_every_set_is_named_after_a_chapter():
    from book.press import SOLUTIONS

    assert [path.stem[3:] for path in sorted(SOLUTIONS.glob("*.md"))] == list(SETS)
