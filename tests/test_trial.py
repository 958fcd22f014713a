"""A reader's function runs on copies, and whatever happens becomes an outcome."""

import torch

from d2lmini.i18n import Text
from d2lmini.trial import Case, run

X = torch.ones(3)
CASES = [Case(Text("un", "one"), (X,)), Case(Text("deux", "two"), (X,), {"times": 2.0})]


def test_values_come_out_as_data():
    outcomes = run(lambda x, times=1.0: (x * times).requires_grad_(), CASES)
    assert [float(outcome.value.sum()) for outcome in outcomes] == [3.0, 6.0]
    assert not any(outcome.touched or outcome.error for outcome in outcomes)


def test_a_changed_argument_is_seen_and_does_no_harm():
    def spoil(x, times=1.0):
        x *= 5
        return x

    assert all(outcome.touched for outcome in run(spoil, CASES))
    assert torch.equal(X, torch.ones(3))


def test_an_error_tells_the_line_of_the_function():
    def broken(x, times=1.0):
        y = x.reshape(-1)
        return y @ torch.ones(7)

    (outcome, _) = run(broken, CASES)
    assert outcome.error == "RuntimeError" and outcome.line == 3 and "inconsistent" in outcome.message


def test_an_answer_that_is_no_function_is_its_own_value():
    assert run([1, 2], CASES[:1])[0].value == [1, 2]
    assert run(..., CASES[:1])[0].value is ...
    assert run(object(), CASES[:1])[0].error == "TypeError"


def test_what_is_not_data_becomes_an_error():
    assert run(lambda x, times=1.0: (i for i in x), CASES)[0].error == "TypeError"


def test_the_line_is_the_functions_own_even_when_a_helper_fails():
    def helper(x):
        raise KeyError("inside")

    def outer(x, times=1.0):
        return helper(x)

    assert run(outer, CASES)[0].line == 2
