"""Where each token is: seven schemes behind one interface, so that a model can change one for another.

A scheme acts at one of three places and leaves the other two alone: `embed` changes what enters the model, `turn`
changes queries and keys, `bias` adds to the scaled scores. With more keys than queries the queries are the last ones.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


class Positions(nn.Module):
    """No position at all: what each scheme does unless it says otherwise."""

    def embed(self, x: Float[Tensor, "*B T d_model"], start: int = 0) -> Float[Tensor, "*B T d_model"]:
        """The embeddings with their absolute positions, `start` being that of the first."""
        return x

    def turn(
        self, q: Float[Tensor, "*B H Tq d_head"], k: Float[Tensor, "*B Hk Tk d_head"], start: int = 0
    ) -> tuple[Float[Tensor, "*B H Tq d_head"], Float[Tensor, "*B Hk Tk d_head"]]:
        """Queries and keys with their positions, `start` being that of the first key."""
        return q, k

    def bias(self, q: Float[Tensor, "*B H Tq d_head"], k: Float[Tensor, "*B H Tk d_head"]) -> Float[Tensor, "..."] | None:
        """What is added to the scaled scores, (H, Tq, Tk) or (*B, H, Tq, Tk); None adds nothing."""
        return None


def offsets(n_query: int, n_key: int) -> Int[Tensor, "Tq Tk"]:
    """How far each key lies after each query, j − i; the last query stands at the last key.

    >>> offsets(2, 3)
    tensor([[-1,  0,  1],
            [-2, -1,  0]])
    """
    return torch.arange(n_key) - torch.arange(n_key - n_query, n_key)[:, None]


# --- absolute: added to the embeddings --------------------------------------------------------------


def sinusoid(position: Tensor, d_model: int) -> Float[Tensor, "*T d_model"]:
    """sin(p / 10000^(2c/d)) at the even coordinates 2c, cos at the odd ones (Vaswani et al. 2017, §3.5).

    >>> sinusoid(torch.tensor([0.0]), 4)
    tensor([[0., 1., 0., 1.]])
    """
    if d_model % 2:
        raise ValueError(f"d_model={d_model} must be even: each frequency takes a sine and a cosine; try d_model={d_model + 1}.")
    angle = position.double()[..., None] * frequencies(d_model).to(position.device)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(-2).to(position.dtype)


def frequencies(d: int, base: float = 10_000.0) -> Float[Tensor, " half"]:
    """d/2 angular frequencies, from 1 radian a token down to almost 1/`base`, in float64."""
    return base ** -(torch.arange(0, d, 2, dtype=torch.float64) / d)


class Sinusoidal(Positions):
    """Fixed waves, added to the embeddings (Vaswani et al. 2017, §3.5)."""

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.d_model = d_model

    def embed(self, x: Float[Tensor, "*B T d_model"], start: int = 0) -> Float[Tensor, "*B T d_model"]:
        """x + the wave of each position."""
        position = torch.arange(start, start + x.shape[-2], dtype=torch.float64, device=x.device)  # a short type would round it
        return x + sinusoid(position, self.d_model).to(x.dtype)


class Learned(Positions):
    """One learned vector a position, up to `n_position` of them (Gehring et al. 2017; BERT, GPT-2)."""

    def __init__(self, n_position: int, d_model: int) -> None:
        super().__init__()
        self.table = nn.Parameter(0.02 * torch.randn(n_position, d_model))

    def embed(self, x: Float[Tensor, "*B T d_model"], start: int = 0) -> Float[Tensor, "*B T d_model"]:
        """x + the vector of each position; `ValueError` beyond the last one."""
        end = start + x.shape[-2]
        if end > len(self.table):
            raise ValueError(f"position {end - 1} must be below n_position={len(self.table)}: nothing was learned there; shorten the text.")
        return x + self.table[start:end]


# --- relative: added to the scores --------------------------------------------------------------------


class Shaw(Positions):
    """A learned key for each offset, beyond `clip` the same: q·a(j − i) / √d_head (Shaw et al. 2018, eq. 5).

    One table for all heads. The paper's second table, added to the values, is left out: without it the paper
    translates as well (its table 3).
    """

    def __init__(self, d_head: int, clip: int) -> None:
        super().__init__()
        self.clip = clip
        self.table = nn.Parameter(d_head**-0.5 * torch.randn(2 * clip + 1, d_head))

    def bias(self, q: Float[Tensor, "*B H Tq d_head"], k: Float[Tensor, "*B H Tk d_head"]) -> Float[Tensor, "*B H Tq Tk"]:
        """Each query against the key of each offset."""
        which = offsets(q.shape[-2], k.shape[-2]).clamp(-self.clip, self.clip) + self.clip
        by_offset = q @ self.table.T / q.shape[-1] ** 0.5  # (*B, H, Tq, 2 clip + 1)
        return by_offset.gather(-1, which.to(q.device).expand(*q.shape[:-1], -1))


class TransformerXL(Positions):
    """Fixed waves of the distance i − j, and two learned vectors in place of the query (Dai et al. 2019, §3.3).

    score = (q·k + u·k + (q + v)·W_R r(i − j)) / √d_head: the first term is attention's own, `bias` returns the others.
    """

    def __init__(self, n_head: int, d_head: int, d_model: int) -> None:
        super().__init__()
        self.u = nn.Parameter(torch.zeros(n_head, 1, d_head))
        self.v = nn.Parameter(torch.zeros(n_head, 1, d_head))
        self.relative = nn.Linear(d_model, n_head * d_head, bias=False)

    def bias(self, q: Float[Tensor, "*B H Tq d_head"], k: Float[Tensor, "*B H Tk d_head"]) -> Float[Tensor, "*B H Tq Tk"]:
        """What the keys are worth anywhere, and what each distance is worth to each query."""
        n_query, n_key, d_head = q.shape[-2], k.shape[-2], q.shape[-1]
        distance = torch.arange(n_key - 1, -n_query, -1, dtype=torch.float64, device=q.device)  # every i − j, from the furthest past on
        wave = self.relative(sinusoid(distance, self.relative.in_features).to(q.dtype))  # (Tk + Tq − 1, H d_head)
        wave = wave.unflatten(-1, (-1, d_head)).transpose(0, 1)  # (H, Tk + Tq − 1, d_head)
        by_distance = (q + self.v) @ wave.transpose(-2, -1)  # (*B, H, Tq, Tk + Tq − 1)
        which = (offsets(n_query, n_key) + n_key - 1).to(q.device)
        there = by_distance.gather(-1, which.expand(*q.shape[:-1], -1))
        return (self.u @ k.transpose(-2, -1) + there) / d_head**0.5


class T5Buckets(Positions):
    """A learned number for each head and each bucket of offsets, added to the scores (Raffel et al. 2020, §2.1).

    Half of the buckets are one offset each, the others widen as a logarithm up to `max_distance`. A causal model has
    no use for offsets after the query and gives all its buckets to the past. Beyond the paper: T5 leaves out 1/√d_head.
    """

    def __init__(self, n_head: int, *, causal: bool, n_bucket: int = 32, max_distance: int = 128) -> None:
        super().__init__()
        self.causal, self.n_bucket, self.max_distance = causal, n_bucket, max_distance
        self.table = nn.Parameter(torch.zeros(n_bucket, n_head))

    def bias(self, q: Float[Tensor, "*B H Tq d_head"], k: Float[Tensor, "*B H Tk d_head"]) -> Float[Tensor, "H Tq Tk"]:
        """The number of each offset's bucket."""
        which = t5_bucket(offsets(q.shape[-2], k.shape[-2]), self.causal, self.n_bucket, self.max_distance)
        return self.table[which.to(q.device)].permute(2, 0, 1)


def t5_bucket(offset: Int[Tensor, "*S"], causal: bool, n_bucket: int = 32, max_distance: int = 128) -> Int[Tensor, "*S"]:
    """The bucket of each offset j − i (Raffel et al. 2020, §2.1, as their code does it).

    >>> t5_bucket(torch.tensor([0, -1, -7, -8, -20, -127, -500, 1, 500]), causal=False)
    tensor([ 0,  1,  7,  8, 10, 15, 15, 17, 31])
    """
    if causal:
        distance, first = (-offset).clamp(min=0), torch.zeros_like(offset)
    else:
        n_bucket //= 2
        distance, first = offset.abs(), n_bucket * (offset > 0)
    exact = n_bucket // 2
    growth = (distance.clamp(min=1).float() / exact).log() / math.log(max_distance / exact)
    far = (exact + (growth * (n_bucket - exact)).long()).clamp(max=n_bucket - 1)
    return first + torch.where(distance < exact, distance, far)


class ALiBi(Positions):
    """A fixed penalty that grows with the distance, with a slope of its own for each head (Press et al. 2022, §3).

    Nothing is learned. Beyond the paper, which is causal: keys after the query pay for their distance too.
    """

    def __init__(self, n_head: int) -> None:
        super().__init__()
        self.register_buffer("slopes", alibi_slopes(n_head), persistent=False)
        self.slopes: Tensor

    def bias(self, q: Float[Tensor, "*B H Tq d_head"], k: Float[Tensor, "*B H Tk d_head"]) -> Float[Tensor, "H Tq Tk"]:
        """−slope · |i − j|."""
        return -self.slopes[:, None, None].to(q.dtype) * offsets(q.shape[-2], k.shape[-2]).abs().to(q.device)


def alibi_slopes(n_head: int) -> Float[Tensor, " H"]:
    """2^(−8/H), 2^(−16/H)… down to 2^−8; between two powers of two, those of the lower and every second one of the higher.

    >>> alibi_slopes(4)
    tensor([0.2500, 0.0625, 0.0156, 0.0039])
    """
    power = 2 ** int(math.log2(n_head))
    slopes = 2.0 ** (-8 / power * torch.arange(1, power + 1))
    if power == n_head:
        return slopes
    return torch.cat([slopes, alibi_slopes(2 * power)[::2][: n_head - power]])


# --- rotary: turns queries and keys ---------------------------------------------------------------------


class Rotary(Positions):
    """Each pair of coordinates turns by an angle that grows with the position, so q·k depends on the offset (Su et al. 2024, §3.2).

    Which coordinates make a pair is a convention: neighbors (0, 1), (2, 3)… in the paper (`interleaved=True`), one of each
    half (0, d/2), (1, d/2 + 1)… in GPT-NeoX, LLaMA and Hugging Face. Weights trained under one are wrong under the other.
    """

    def __init__(self, d_head: int, *, base: float = 10_000.0, interleaved: bool = False) -> None:
        super().__init__()
        if d_head % 2:
            raise ValueError(f"d_head={d_head} must be even: coordinates turn in pairs; try d_head={d_head + 1}.")
        self.d_head, self.base, self.interleaved = d_head, base, interleaved

    def turn(
        self, q: Float[Tensor, "*B H Tq d_head"], k: Float[Tensor, "*B Hk Tk d_head"], start: int = 0
    ) -> tuple[Float[Tensor, "*B H Tq d_head"], Float[Tensor, "*B Hk Tk d_head"]]:
        """Queries and keys, each turned by its own position."""
        n_query, n_key = q.shape[-2], k.shape[-2]
        at = torch.arange(start, start + n_key, device=k.device)
        return self.rotate(q, at[n_key - n_query :]), self.rotate(k, at)

    def rotate(self, x: Float[Tensor, "*B T d_head"], position: Int[Tensor, " T"]) -> Float[Tensor, "*B T d_head"]:
        """x with each pair (a, b) at position p turned by p·θ: (a cos − b sin, a sin + b cos)."""
        angle = position[:, None] * frequencies(self.d_head, self.base).to(x.device)  # (T, d_head / 2)
        cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        a, b = (x[..., ::2], x[..., 1::2]) if self.interleaved else x.chunk(2, dim=-1)
        turned = a * cos - b * sin, a * sin + b * cos
        return torch.stack(turned, dim=-1).flatten(-2) if self.interleaved else torch.cat(turned, dim=-1)
