"""Every small change of a solution is caught by its check; those that are not are still right, and it is said why."""

import pytest

from d2lmini.exercises.sets import SETS
from tests.exercises import mutate
from tests.exercises.survivors import STILL_RIGHT


@pytest.mark.parametrize("which", SETS)
def test_no_mutant_passes_unless_it_is_right(which):
    shared, answers = mutate.solutions(which)
    assert set(answers) == {exercise.name for exercise in SETS[which] if exercise.given is None}
    passed = set()
    for exercise in SETS[which]:
        if exercise.name in answers:
            every = mutate.tried(exercise, answers[exercise.name], shared)
            passed |= {(exercise.name, change) for change, outcomes in every if mutate.passes(exercise, outcomes)}
    assert passed == {key for key in STILL_RIGHT if key[0] in answers}
