"""What a decoder has already read: keys and values, kept so that each token is computed once."""

from collections import defaultdict
from collections.abc import Hashable

from jaxtyping import Float, Int
from torch import Tensor

FIRST_ROOM = 64  # tokens


class KeyValues:
    """Keys and values of one attention, in two buffers that double when they are full, so that a token costs one small copy."""

    def __init__(self) -> None:
        self.length = 0  # tokens held
        self._buffers: tuple[Tensor, Tensor] | None = None

    def append(
        self, k: Float[Tensor, "B H T d_head"], v: Float[Tensor, "B H T d_head"]
    ) -> tuple[Float[Tensor, "B H Tk d_head"], Float[Tensor, "B H Tk d_head"]]:
        """Add the keys and values of T new tokens; return all of them, as `held` does."""
        start, self.length = self.length, self.length + k.shape[-2]
        if self._buffers is None or self.length > self._buffers[0].shape[-2]:
            old = self._buffers or (k[..., :0, :], v[..., :0, :])
            self._buffers = _enlarged(old[0], start, 2 * self.length), _enlarged(old[1], start, 2 * self.length)
        for buffer, new in zip(self._buffers, (k, v), strict=True):
            buffer[..., start : self.length, :] = new
        return self.held()

    def held(self) -> tuple[Float[Tensor, "B H Tk d_head"], Float[Tensor, "B H Tk d_head"]]:
        """All the keys and all the values so far."""
        if self._buffers is None:
            raise ValueError("this cache holds nothing yet; append keys and values first.")
        k, v = self._buffers
        return k[..., : self.length, :], v[..., : self.length, :]

    def keep(self, rows: Int[Tensor, " N"]) -> None:
        """Go on with these texts of the batch only, in this order; one may come several times."""
        if self._buffers is not None:
            self._buffers = self._buffers[0][rows], self._buffers[1][rows]


class Cache:
    """The keys and values of a whole decoder: one `KeyValues` for each attention, made when first asked for.

    >>> import torch
    >>> cache = Cache()
    >>> x = torch.ones(2, 3, 5, 7)  # (B, H, T, d_head)
    >>> k, v = cache["layer 0"].append(x, x)
    >>> cache.keep(torch.tensor([1, 1, 0]))
    >>> [tuple(kept.shape) for kept in cache["layer 0"].held()]
    [(3, 3, 5, 7), (3, 3, 5, 7)]
    """

    def __init__(self) -> None:
        self.length = 0  # tokens that the decoder has read; it counts them itself
        self._layers: dict[Hashable, KeyValues] = defaultdict(KeyValues)

    def __getitem__(self, name: Hashable) -> KeyValues:
        return self._layers[name]

    def keep(self, rows: Int[Tensor, " N"]) -> None:
        """Go on with these texts of the batch only, in this order; one may come several times."""
        for layer in self._layers.values():
            layer.keep(rows)

    def n_bytes(self) -> int:
        """The memory of the keys and values held, without the room left for more."""
        return sum(x.numel() * x.element_size() for layer in self._layers.values() if layer.length for x in layer.held())


def _enlarged(buffer: Tensor, filled: int, room: int) -> Tensor:
    """A buffer with room for more tokens, its first `filled` ones copied."""
    larger = buffer.new_empty(*buffer.shape[:-2], max(FIRST_ROOM, room), buffer.shape[-1])
    larger[..., :filled, :] = buffer[..., :filled, :]
    return larger
