"""Notebooks for the tests: right answers to the set "attention", and how to write them down."""

import json
from pathlib import Path
from typing import Any

SETUP = """import torch

from d2lmini.exercises import check, check_all, given, hint

student = ""
"""
ANSWERS = {
    "softmax": """def softmax(scores):
    exponential = (scores - scores.amax(-1, keepdim=True)).exp()
    return exponential / exponential.sum(-1, keepdim=True)
""",
    "weights_by_hand": """q, keys = given("weights_by_hand", student)
first = torch.tensor([sum(a * b for a, b in zip(q, key)) / 2 for key in keys])
weights_by_hand = first.softmax(0).tolist()
""",
    "attention": """def attention(q, k, v, mask=None):
    scores = q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return scores.softmax(-1) @ v
""",
    "attention_in_columns": """def attention_in_columns(x, w_q, w_k, w_v):
    q, k, v = w_q @ x, w_k @ x, w_v @ x
    return v @ (k.T @ q / q.shape[0] ** 0.5).softmax(0)
""",
    "kernel_regression": """def kernel_regression(x_query, x, y, width):
    gap = (x_query[:, None] - x) / width
    return (-gap**2 / 2).softmax(1) @ y
""",
}
POINTS = {"softmax": 2, "weights_by_hand": 2, "attention": 4, "attention_in_columns": 3, "kernel_regression": 3}


def cells(**changed: str) -> list[str]:
    """A right notebook's cells, with some answers replaced."""
    asks = [[{**ANSWERS, **changed}[name], f'check("{name}")\n# hint("{name}")'] for name in ANSWERS]
    return [SETUP, *(cell for pair in asks for cell in pair), 'check_all("attention")']


def notebook(cells: list[str], outputs: int = 0, **metadata: Any) -> dict[str, Any]:
    """A notebook of these code cells, with a cell of prose and outputs of so many characters."""
    told = [{"output_type": "stream", "name": "stdout", "text": "x" * outputs}] if outputs else []
    code = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "execution_count": None, "outputs": told, "source": cell.splitlines(True)}
        for i, cell in enumerate(cells)
    ]
    prose = {"cell_type": "markdown", "id": "p", "metadata": {}, "source": ["# Exercises: attention"]}
    return {"cells": [prose, *code], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def save(path: Path, cells: list[str], outputs: int = 0, **metadata: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook(cells, outputs, **{"d2l": {"source": "02_attention.md", "language": "en"}, **metadata})), "utf8")
