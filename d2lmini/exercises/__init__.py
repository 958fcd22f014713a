"""Exercises that name the mistake: `check("softmax")` in a notebook says what is wrong, where, and why it matters."""

from d2lmini.exercises.notebook import check, check_all, earned, given, hint

__all__ = ["check", "check_all", "earned", "given", "hint"]
