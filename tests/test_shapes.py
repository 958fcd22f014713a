"""Named axes: sizes come back, and a mismatch says which axis of which tensor."""

import pytest
import torch

from d2lmini.shapes import check_shapes


def test_sizes_come_back_by_name():
    sizes = check_shapes("x: * T d, w: d V", x=torch.zeros(2, 3, 5, 7), w=torch.zeros(7, 11))
    assert sizes == {"T": 5, "d": 7, "V": 11}


@pytest.mark.parametrize(
    ("pattern", "shape", "message"),
    [
        ("x: T d", (2, 5, 7), r"x has shape \(2, 5, 7\), 3 axes, but must look like \(T, d\)"),
        ("x: * T d", (7,), r"x has shape \(7,\), 1 axes, but must look like \(\*, T, d\)"),
        ("x: T T", (7, 5), r"axis T is 5 in x \(7, 5\) but 7 in x"),
        ("x: T T", (5, 7), r"axis T is 7 in x \(5, 7\) but 5 in x \(5, 7\); make both the same"),
    ],
)
def test_mismatches_are_named(pattern, shape, message):
    with pytest.raises(ValueError, match=message):
        check_shapes(pattern, x=torch.zeros(shape))
