"""The exercise sets, one a chapter, each in a file named by its subject."""

from d2lmini.exercises.exercise import Exercise
from d2lmini.exercises.sets import (
    attention,
    bert,
    block,
    generate,
    heads,
    masks,
    modes,
    positions,
    tokens,
    transformer,
    translate,
    why_attention,
)

SETS: dict[str, tuple[Exercise, ...]] = {
    "why_attention": why_attention.SET,
    "attention": attention.SET,
    "masks": masks.SET,
    "heads": heads.SET,
    "positions": positions.SET,
    "block": block.SET,
    "transformer": transformer.SET,
    "tokens": tokens.SET,
    "translate": translate.SET,
    "generate": generate.SET,
    "modes": modes.SET,
    "bert": bert.SET,
}
EXERCISES = {exercise.name: exercise for exercises in SETS.values() for exercise in exercises}
