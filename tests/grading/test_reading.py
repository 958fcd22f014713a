"""Reading what students hand in: files and their names, cells and magics, and how alike two notebooks are."""

import json
import os
import random
from collections import Counter

import pytest

from d2lmini.exercises.sets import EXERCISES
from d2lmini.grading import notebooks, similarity, submissions
from tests.grading import samples

NAMES = list(EXERCISES)


def facts(cells: list[str]) -> dict:
    return notebooks.facts(json.dumps(samples.notebook(cells)).encode(), NAMES)


def tokens(**changed: str) -> list[str]:
    return facts(samples.cells(**changed))["tokens"]


def test_magics_keep_the_lines_their_numbers():
    cell = "%time x = 1\nif x:\n    !ls\ny = !pwd\ntorch.softmax?\nz = 1 % 2\n"
    assert notebooks.without_magics(cell) == "pass\nif x:\n    pass\npass\npass\nz = 1 % 2\n"
    assert notebooks.without_magics("x = (3\n  % 2)") == "x = (3\n  % 2)"
    assert (
        notebooks.without_magics("!pip install \\\n  d2lmini\nx = (3\n  % 2)\ny = (3\n  != 2)") == "pass\n\nx = (3\n  % 2)\ny = (3\n  != 2)"
    )
    assert notebooks.without_magics("%%bash\nls") == "" and notebooks.without_magics("%%time\nx = 1") == "pass\nx = 1"


def test_the_student_and_the_code_of_each_exercise_are_found():
    stub = "def softmax(scores):\n    # to be written\n    raise NotImplementedError\n"
    found = facts(["student = 'Zoé'", samples.ANSWERS["softmax"], stub, "weights_by_hand = [1,\n", "for masks in (): pass"])
    assert found["student"] == "Zoé"
    assert found["code"] == {"softmax": samples.ANSWERS["softmax"], "weights_by_hand": "weights_by_hand = [1,\n"}
    assert {"softmax", "weights_by_hand", "masks"} <= set(found["names"])


@pytest.mark.parametrize("student", ["student: str = 'Zoé'", "name = student = 'Zoé'"])
def test_a_students_name_may_be_annotated_or_shared(student):
    assert facts([student])["student"] == "Zoé"


def test_odd_cells_cost_nothing():
    found = facts([samples.ANSWERS["softmax"], "x: int\na.b: int", "# half an emoji: \ud83d\ny = 1"])
    assert "softmax" in found["names"] and "y" in found["names"]


def test_the_notebooks_own_import_of_given_stays():
    line = "from d2lmini.exercises import check, check_all, earned, given, hint\nearned('softmax')"
    first, second = notebooks.tree_of(line).body
    assert not notebooks.is_skipped(first) and notebooks.is_skipped(second)


@pytest.mark.parametrize("student", ["student = input()", "student = 3", "student = 'a' + 'b'", "student, x = 'a', 1"])
def test_a_student_is_a_literal_or_nobody(student):
    assert facts([student])["student"] == ""


def test_files_are_found_one_level_down_and_named_apart(tmp_path):
    for name in ("b.ipynb", "a.ipynb", "A/x.ipynb", "a/b/deep.ipynb", ".ipynb_checkpoints/c.ipynb", "d.txt", "é ü.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    found = submissions.find(tmp_path)
    assert [one.who for one in found] == ["A/x", "a", "b", "é ü"]
    assert [one.page for one in found] == ["A_x.html", "a.html", "b.html", "é_ü.html"]


def test_names_that_differ_by_a_space_stay_apart(tmp_path):
    for name in ("ana.ipynb", "ana .ipynb"):
        (tmp_path / name).write_text("{}")
    assert len({one.who for one in submissions.find(tmp_path)}) == 2


@pytest.mark.parametrize("who", ["../../x", "a/../../b", ".hidden", "con", "x" * 300, "a\x00b", "..", "overview", "a%2e%2e"])
def test_pages_stay_in_their_folder(who):
    name = submissions.page_name(who, set())
    assert "/" not in name and "\\" not in name and "%" not in name and not name.startswith(".") and len(name) < 80
    assert name.casefold() not in ("overview.html", "con.html")


def test_too_heavy_a_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(submissions, "LARGEST", 10)
    (tmp_path / "a.ipynb").write_text("x" * 11)
    (one,) = submissions.find(tmp_path)
    assert one.read(tmp_path) == "heavy"


@pytest.mark.skipif(os.name != "posix", reason="names of files that are not text")
def test_a_name_that_is_not_text_is_no_obstacle(tmp_path):
    try:
        (tmp_path / os.fsdecode(b"\xff.ipynb")).write_text("{}")
    except OSError:
        pytest.skip("this file system refuses it")
    (one,) = submissions.find(tmp_path)
    assert one.who == "�" and one.read(tmp_path) == b"{}"


# --- similarity -----------------------------------------------------------------------------------------------------

RENAMED = {
    "softmax": """def softmax(z):
    \"\"\"My own.\"\"\"
    e = (z - z.amax(-1,
                    keepdim=True)).exp()  # stable
    return e / e.sum(-1, keepdim=True)
""",
    "attention": """def attention(query, key, value, allowed=None):
    s = (query @ key.transpose(-2, -1)) / query.shape[-1] ** 0.5
    if allowed is not None:
        s = s.masked_fill(~allowed, float('-inf'))
    return s.softmax(-1) @ value
""",
}
OTHER = {
    "softmax": "import torch\ndef softmax(s):\n    return torch.softmax(s, dim=-1)\n",
    "attention": """def attention(q, k, v, mask=None):
    s = torch.einsum("...id,...jd->...ij", q, k) / q.size(-1) ** 0.5
    if mask is not None:
        s = torch.where(mask, s, torch.full_like(s, -float("inf")))
    return torch.matmul(torch.softmax(s, dim=-1), v)
""",
    "kernel_regression": """def kernel_regression(x_query, x, y, width):
    scores = -((x_query.unsqueeze(1) - x.unsqueeze(0)) ** 2) / (2 * width * width)
    weights = torch.softmax(scores, dim=1)
    return torch.mv(weights, y)
""",
    "attention_in_columns": """def attention_in_columns(x, w_q, w_k, w_v):
    q, k, v = torch.matmul(w_q, x), torch.matmul(w_k, x), torch.matmul(w_v, x)
    weights = torch.softmax(torch.matmul(k.t(), q) / len(q) ** 0.5, dim=0)
    return torch.matmul(v, weights)
""",
}


def alike(**found: list[str]) -> list[tuple[str, str]]:
    return [(pair.first, pair.second) for pair in similarity.pairs(found, {name: name for name in found})]


def test_new_names_comments_and_layout_hide_nothing():
    assert tokens() == tokens(**RENAMED)
    assert alike(a=tokens(), b=tokens(**RENAMED), c=tokens(**OTHER)) == [("a", "b")]


def test_what_everyone_was_given_counts_for_nothing():
    given = facts(["def helper(x, y):\n    " + "\n    ".join(f"x = x * {i} + y ** {i}" for i in range(40))])["tokens"]
    students = {f"s{i}": [*given, *facts([f"a = {i}\nb = a + {i} * {i + 1}"])["tokens"]] for i in range(8)}
    assert alike(**students) == []


def test_two_that_copy_are_found_in_a_class_and_short_answers_are_not():
    long = {f"s{i}": facts([f"def f(x):\n    return {'+'.join(f'x.m{i * j % 97}' for j in range(30))}"])["tokens"] for i in range(1, 20)}
    assert alike(**long, copy=long["s7"]) == [("copy", "s7")]
    assert alike(a=tokens()[:30], b=tokens()[:30]) == []


def test_candidates_miss_no_pair():
    """Each pair compared, as a slow and sure way would."""
    from itertools import combinations

    pick = random.Random(0).sample
    found = {}
    for family in range(6):
        for changes in range(0, 9, 2):
            spots = pick(range(300), changes)
            found[f"s{family}{changes}"] = [f"x{family}{i}{changes}" if i in spots else f"t{family}{i}" for i in range(300)]
    runs = {who: similarity._runs(tokens) for who, tokens in found.items()}
    often = Counter(run for some in runs.values() for run in some)
    own = {who: {run for run in some if often[run] <= max(similarity.FEW, len(runs) / 2)} for who, some in runs.items()}
    sure = [
        (a, b) for a, b in combinations(sorted(own), 2)
        if min(len(own[a]), len(own[b])) >= similarity.ENOUGH and len(own[a] & own[b]) / len(own[a] | own[b]) >= similarity.ALIKE
    ]  # fmt: skip
    assert sorted(alike(**found)) == sure and len(sure) > 2


def test_the_same_file_is_always_told():
    (pair,) = similarity.pairs({"a": [], "b": []}, {"a": "x", "b": "x"})
    assert pair.identical and pair.share == 1
