"""What comes out of a reader's code is data, compared by shape, kind and value, and carried as JSON."""

import numpy as np
import pytest
import torch

from d2lmini.plain import pack, plain, same, unpack

TREES = [
    None, ..., True, 3, 2.5, "é", [], {}, [1, [2.0, None]], {"a": [torch.arange(3)], "b": torch.zeros(2, 0)},
    torch.tensor(1.5), torch.randn(2, 3, dtype=torch.float64), torch.randn(5).bfloat16(), torch.tensor([True, False]),
    torch.tensor([float("nan"), -torch.inf]),
]  # fmt: skip


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: type(tree).__name__)
def test_what_is_packed_comes_back(tree):
    back = unpack(pack(tree))
    assert same(back, tree, 0.0) or tree is ... is back
    if isinstance(tree, torch.Tensor):
        assert back.dtype == tree.dtype


def test_values_lose_their_class_and_their_history():
    class Sly(torch.Tensor):
        def __eq__(self, other):
            return torch.tensor(True)

    weights = torch.ones(2, requires_grad=True)
    found = plain((weights, np.float32(2.5), np.arange(2), torch.Size([3])))
    assert isinstance(found, list) and not found[0].requires_grad and found[0] is not weights
    assert found[1] == 2.5 and type(found[1]) is float
    assert torch.equal(found[2], torch.tensor([0, 1])) and found[3] == [3]
    assert torch.equal(plain(np.arange(3)[::-1]), torch.tensor([2, 1, 0]))
    forged = plain(torch.zeros(2).as_subclass(Sly))
    assert not same(forged, torch.ones(2), 1e-4)


@pytest.mark.parametrize("strange", [lambda: 1, torch.nn.Linear(2, 2), (i for i in "ab"), {1, 2}])
def test_what_is_not_data_is_refused(strange):
    with pytest.raises(TypeError, match="is not data; return a tensor"):
        plain(strange)


@pytest.mark.parametrize(
    ("answer", "reference", "equal"),
    [
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.00001]), True),
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.01]), False),
        (torch.ones(2, 1), torch.ones(2), False),  # a shape that would broadcast
        (torch.ones(2).int(), torch.ones(2).bool(), False),  # a mask of 0 and 1 is not a mask
        (torch.ones(2).double(), torch.ones(2), True),
        (torch.tensor(0.5), 0.5, True),
        (2, 2.0, True),
        (2.0, 2, True),
        (True, 1, False),
        ([1, 2], [1, 2, 3], False),
        ({"a": 1}, {"b": 1}, False),
        (torch.tensor([torch.nan]), torch.tensor([torch.nan]), True),
        (torch.tensor([torch.inf]), torch.tensor([-torch.inf]), False),
        (float("nan"), 0.5, False),
        ("two", "two", True),
    ],
)
def test_same(answer, reference, equal):
    assert same(answer, reference, 1e-4) is equal


@pytest.mark.parametrize(
    "forged",
    [b"", b"{", b'{"tensor": "AAAA", "dtype": "float32", "shape": [9]}', b'{"tensor": "!", "dtype": "float32", "shape": []}',
     b'{"tensor": "AAAA", "dtype": "object", "shape": [1]}', b'{"what": 1}', b"[" * 100_000, b"\xff",
     b'{"tensor": "", "dtype": "float32", "shape": [1000000000, 0]}',
     b'{"tensor": "AAAA", "dtype": "uint8", "shape": [' + b"1, " * 99 + b"3]}",
    ],
)  # fmt: skip
def test_bytes_that_are_not_packed_data_are_refused(forged):
    with pytest.raises(ValueError, match="are not packed data"):
        unpack(forged)
