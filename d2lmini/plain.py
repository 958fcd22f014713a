"""What a reader's code returns, as plain data: tensors, numbers, texts, lists and dictionaries, and nothing that can act."""

import base64
import json
import math
from typing import Any

import torch
from torch import Tensor

DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.bool,
        torch.uint8,
        torch.int16,
        torch.int32,
        torch.int64,
        torch.float16,
        torch.bfloat16,
        torch.float32,
        torch.float64,
    )
}
MOST_AXES, MOST_NUMBERS = 16, 1 << 24  # of a tensor that comes from another process: an empty one may have a size of billions


def plain(x: Any) -> Any:
    """The same content without classes of its own: tensors detached and copied, tuples as lists, 0-d arrays as numbers.

    Raises `TypeError` on anything that is not data: a function, a module, a generator.

    >>> plain((1, torch.ones(2, requires_grad=True)))
    [1, tensor([1., 1.])]
    """
    if x is None or x is ... or type(x) in (bool, int, float, str):
        return x
    if isinstance(x, Tensor):
        if x.dtype not in DTYPES.values():
            raise TypeError(f"a tensor of {x.dtype} is not compared here; return real numbers, integers or booleans.")
        return torch.Tensor.clone(torch.Tensor.detach(x)).cpu()
    if isinstance(x, list | tuple):
        return [plain(value) for value in x]
    if isinstance(x, dict):
        return {str(key): plain(value) for key, value in x.items()}
    if hasattr(x, "__array__"):
        array = torch.as_tensor(x.__array__().copy())
        return array if array.ndim else array.item()
    raise TypeError(f"{type(x).__name__} is not data; return a tensor, a number, a text, a list or a dictionary.")


def same(answer: Any, reference: Any, tolerance: float) -> bool:
    """Whether plain data agree: floats within `tolerance` (absolute and relative), the rest exactly; NaN equals NaN.

    A tensor of numbers must have the reference's shape and kind (boolean, integer or floating); a 0-d tensor counts as its number.
    """
    if isinstance(answer, Tensor) and answer.ndim == 0 and not isinstance(reference, Tensor):
        answer = answer.item()
    if isinstance(reference, Tensor):
        if not isinstance(answer, Tensor) or answer.shape != reference.shape or kind(answer) != kind(reference):
            return False
        if kind(reference) != "float":
            return torch.equal(answer.long(), reference.long())
        return torch.allclose(answer.double(), reference.double(), rtol=tolerance, atol=tolerance, equal_nan=True)
    if isinstance(reference, list):
        return (
            isinstance(answer, list)
            and len(answer) == len(reference)
            and all(same(a, b, tolerance) for a, b in zip(answer, reference, strict=True))
        )
    if isinstance(reference, dict):
        return (
            isinstance(answer, dict) and answer.keys() == reference.keys() and all(same(answer[k], reference[k], tolerance) for k in answer)
        )
    if isinstance(reference, float) and isinstance(answer, int | float) and not isinstance(answer, bool):
        return bool(torch.isclose(torch.tensor(float(answer)), torch.tensor(reference), rtol=tolerance, atol=tolerance, equal_nan=True))
    if isinstance(reference, int) and isinstance(answer, float) and not isinstance(reference, bool):
        return answer == reference
    return type(answer) is type(reference) and bool(answer == reference)


def kind(x: Tensor) -> str:
    """What a tensor holds: `"bool"`, `"int"` or `"float"`."""
    return "bool" if x.dtype == torch.bool else "float" if x.is_floating_point() else "int"


# --- between two processes: JSON, so that bytes from a stranger can become nothing else than data -----------------


def pack(x: Any) -> bytes:
    """Plain data as bytes.

    >>> unpack(pack({"a": [1, torch.tensor([True])]}))
    {'a': [1, tensor([True])]}
    """
    return json.dumps(_tagged(x)).encode()


def unpack(data: bytes) -> Any:
    """What `pack` packed; raises `ValueError` on any other bytes."""
    try:
        return _untagged(json.loads(data))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RuntimeError, RecursionError) as error:
        raise ValueError(f"{len(data)} bytes are not packed data ({type(error).__name__}: {error}).") from None


def _tagged(x: Any) -> Any:
    if isinstance(x, Tensor):
        raw = x.contiguous().reshape(-1).view(torch.uint8) if x.numel() else x.new_empty(0, dtype=torch.uint8)
        return {
            "tensor": base64.b64encode(raw.numpy().tobytes()).decode(),
            "dtype": str(x.dtype).removeprefix("torch."),
            "shape": list(x.shape),
        }
    if isinstance(x, dict):
        return {"dict": {key: _tagged(value) for key, value in x.items()}}
    if isinstance(x, list):
        return [_tagged(value) for value in x]
    return {"ellipsis": True} if x is ... else x


def _untagged(x: Any) -> Any:
    if isinstance(x, list):
        return [_untagged(value) for value in x]
    if not isinstance(x, dict):
        return x
    if "tensor" in x:
        if len(x["shape"]) > MOST_AXES or math.prod(max(size, 1) for size in x["shape"]) > MOST_NUMBERS:
            raise ValueError(f"a tensor of {len(x['shape'])} axes")
        raw = bytearray(base64.b64decode(x["tensor"], validate=True))
        flat = torch.frombuffer(raw, dtype=DTYPES[x["dtype"]]) if raw else torch.empty(0, dtype=DTYPES[x["dtype"]])
        return flat.reshape(x["shape"])
    return ... if "ellipsis" in x else {str(key): _untagged(value) for key, value in x["dict"].items()}
