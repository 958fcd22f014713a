"""A small training loop: seeded, watched, stopped and resumed at will, and remembered so that nothing is trained twice."""

import hashlib
import inspect
import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from filelock import FileLock
from platformdirs import user_cache_path
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from tqdm.auto import tqdm

from d2lmini.i18n import number, t
from d2lmini.progress import interactive

Batch = Callable[[torch.Generator], tuple[Tensor, ...]]
Loss = Callable[..., Tensor]
PROBES = 3  # batches that tell one task from another


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train: AdamW, a rate that warms up then falls as a cosine, gradients clipped."""

    steps: int
    lr: float = 3e-3  # at its peak
    warmup: int = 20  # steps from 0 to the peak
    last_lr: float = 0.05  # share of the peak left at the last step
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.01  # of matrices only
    clip: float = 1.0  # largest norm of the gradient
    seed: int = 0  # of batches and dropout; the weights have theirs

    def rate(self, step: int) -> float:
        """The share of the peak rate at a step, counted from 0.

        >>> [round(Recipe(steps=101, warmup=2, last_lr=0).rate(step), 2) for step in (0, 1, 2, 51, 100)]
        [0.5, 1.0, 1.0, 0.5, 0.0]
        """
        if step < self.warmup:
            return (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - 1 - self.warmup)
        return self.last_lr + (1 - self.last_lr) * (1 + math.cos(math.pi * min(1.0, done))) / 2


@dataclass
class History:
    """What happened: the loss at each step, and the seconds that training took (0 when it was remembered)."""

    loss: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def last(self, n: int = 20) -> float:
        """The mean loss of the last `n` steps."""
        return sum(self.loss[-n:]) / len(self.loss[-n:])


def train(model: nn.Module, batch: Batch, loss: Loss, recipe: Recipe, *, remember: bool = True) -> History:
    """Train `model` in place on `loss(model, *batch(generator))`, `recipe.steps` times, and leave it in evaluation mode.

    What was trained once with the same code, weights, data and recipe is read back from the cache (`D2L_CACHE`, or the
    system's folder for such things); two processes that want the same model train it once. Ctrl-C keeps what was
    learned so far, and the same call later goes on from there. Raises `FloatingPointError` when the loss is no number.
    """
    if not remember:
        return _run(model, batch, loss, recipe, None)
    place = cache_folder() / fingerprint(model, batch, loss, recipe)
    with FileLock(place.with_suffix(".lock")):
        remembered = _recall(model, place.with_suffix(".safetensors"))
        return remembered or _run(model, batch, loss, recipe, place)


def fingerprint(model: nn.Module, batch: Batch, loss: Loss, recipe: Recipe) -> str:
    """What the result depends on: the recipe, the code, the weights at the start, and what the first batches are and cost."""
    digest = hashlib.sha256()
    for part in (torch.__version__, torch.get_num_threads(), recipe, model, getattr(model, "config", None)):
        digest.update(repr(part).encode())
    own = sorted({type(module) for module in model.modules() if not type(module).__module__.startswith("torch.")}, key=repr)
    for code in (train, batch, loss, *own):
        digest.update(_source(code).encode())
    for name, x in model.state_dict().items():
        digest.update(name.encode() + _bytes(x))
    with _seeded(recipe.seed) as generator, torch.no_grad():
        model.train()
        for _ in range(PROBES):
            drawn = batch(generator)
            digest.update(b"".join(map(_bytes, drawn)) + _bytes(loss(model, *drawn)))
    return digest.hexdigest()[:24]


def cache_folder() -> Path:
    """Where trained weights are kept; nothing is lost by emptying it but time."""
    folder = Path(os.environ.get("D2L_CACHE") or user_cache_path("d2lmini", appauthor=False)) / "trained"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run(model: nn.Module, batch: Batch, loss: Loss, recipe: Recipe, place: Path | None) -> History:
    history, start = History(), time.perf_counter()
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    others = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW([g for g in groups if g["params"]], lr=recipe.lr, betas=recipe.betas, fused=True)
    with _seeded(recipe.seed) as generator:
        _resume(place, model, optimizer, generator, history)
        model.train()
        dice = generator.get_state(), torch.get_rng_state()
        try:
            bar = tqdm(range(len(history.loss), recipe.steps), initial=len(history.loss), total=recipe.steps, disable=not interactive())
            for step in bar:
                dice = generator.get_state(), torch.get_rng_state()  # a step that is cut short will be taken again
                history.loss.append(_step(model, batch(generator), loss, optimizer, recipe, step))
                if step % 10 == 0:
                    bar.set_postfix_str(t("perte ", "loss ") + number(history.loss[-1], 3), refresh=False)
        except KeyboardInterrupt:
            _pause(place, model, optimizer, dice, history)
            print(t(f"Arrêté au pas {len(history.loss)} sur {recipe.steps} ; le même appel reprendra là.",
                    f"Stopped at step {len(history.loss)} of {recipe.steps}; the same call will go on from there."))  # fmt: skip
        else:
            _keep(place, model, history)
    model.eval()
    history.seconds = time.perf_counter() - start
    return history


def _step(model: nn.Module, drawn: tuple[Tensor, ...], loss: Loss, optimizer: torch.optim.Optimizer, recipe: Recipe, step: int) -> float:
    for group in optimizer.param_groups:
        group["lr"] = recipe.lr * recipe.rate(step)
    value = loss(model, *drawn)
    if not value.isfinite():
        raise FloatingPointError(f"the loss is {value.item()} at step {step}; try a smaller lr than {recipe.lr}, or a longer warmup.")
    optimizer.zero_grad()
    value.backward()
    nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
    optimizer.step()
    return value.item()


# --- what is kept: trained weights, or a pause ------------------------------------------------------------


def _keep(place: Path | None, model: nn.Module, history: History) -> None:
    if place is None:
        return
    draft = place.with_suffix(f".{os.getpid()}")
    save_file({name: x.clone() for name, x in model.state_dict().items()}, draft, {"loss": json.dumps(history.loss)})
    draft.replace(place.with_suffix(".safetensors"))
    place.with_suffix(".paused").unlink(missing_ok=True)


def _recall(model: nn.Module, path: Path) -> History | None:
    """Load finished weights and what happened then; None when there are none, or a broken file."""
    try:
        with safe_open(path, "pt") as file:
            model.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 (not a dictionary)
            model.eval()
            return History(json.loads(file.metadata()["loss"]))
    except (FileNotFoundError, SafetensorError):
        return None


def _pause(place: Path | None, model: nn.Module, optimizer: torch.optim.Optimizer, dice: tuple[Tensor, Tensor], history: History) -> None:
    if place is None:
        return
    states = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "dice": dice, "loss": history.loss}
    draft = place.with_suffix(f".{os.getpid()}")
    torch.save(states, draft)
    draft.replace(place.with_suffix(".paused"))


def _resume(place: Path | None, model: nn.Module, optimizer: torch.optim.Optimizer, generator: torch.Generator, history: History) -> None:
    if place is None or not place.with_suffix(".paused").exists():
        return
    states = torch.load(place.with_suffix(".paused"), weights_only=True)
    model.load_state_dict(states["model"])
    optimizer.load_state_dict(states["optimizer"])
    batches, dropout = states["dice"]
    generator.set_state(batches)
    torch.set_rng_state(dropout)
    history.loss = states["loss"]


# --- what the result depends on -----------------------------------------------------------------------------


@contextmanager
def _seeded(seed: int) -> Iterator[torch.Generator]:
    """A generator for batches; dropout follows the seed too, and the notebook's own random numbers go on as before."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield torch.Generator().manual_seed(seed)


def _bytes(x: Tensor) -> bytes:
    return f"{x.dtype}{tuple(x.shape)}".encode() + x.detach().contiguous().cpu().view(-1).view(torch.uint8).numpy().tobytes()


def _source(code: object) -> str:
    """The whole file of what a library defines, the lines of what a notebook defines."""
    module = inspect.getmodule(code)
    try:
        return inspect.getsource(code if module is None or module.__name__ == "__main__" else module)  # type: ignore[arg-type]
    except (OSError, TypeError):
        return repr(type(code))  # made on the fly: what it does still shows in the losses
