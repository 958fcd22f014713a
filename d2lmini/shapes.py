"""The shapes of tensors: one notation, one check that says which axis is wrong."""

from torch import Tensor


def check_shapes(pattern: str, **tensors: Tensor) -> dict[str, int]:
    """Match tensors with named axes and return the size of each name.

    The axes used across the course: B batch, H heads, T tokens (Tq queries, Tk keys), V
    vocabulary, d_model, d_head, d_ff. A leading `*` stands for any number of axes.

    Raises `ValueError` when a tensor has too few axes or when one name gets two sizes.

    >>> import torch
    >>> check_shapes("q: * Tq d, k: * Tk d", q=torch.zeros(2, 5, 7), k=torch.zeros(2, 3, 7))
    {'Tq': 5, 'd': 7, 'Tk': 3}
    """
    sizes: dict[str, int] = {}
    owner: dict[str, str] = {}
    for part in pattern.split(","):
        name, axes = (s.strip() for s in part.split(":"))
        names = axes.split()
        shape = tuple(tensors[name].shape)
        free = names[0] == "*"
        names = names[free:]
        if len(shape) < len(names) or (len(shape) > len(names) and not free):
            raise ValueError(
                f"{name} has shape {shape}, {len(shape)} axes, but must look like ({', '.join(axes.split())}); "
                f"add or remove an axis with {name}.unsqueeze(…) or {name}.squeeze(…)."
            )
        for axis, size in zip(names, shape[len(shape) - len(names) :], strict=True):
            if sizes.setdefault(axis, size) != size:
                raise ValueError(
                    f"axis {axis} is {size} in {name} {shape} but {sizes[axis]} in {owner[axis]}; make both the same ({pattern})."
                )
            owner.setdefault(axis, f"{name} {shape}")
    return sizes
