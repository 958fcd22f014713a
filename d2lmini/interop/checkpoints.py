"""Models from files and into files, safetensors or GGUF; never from a pickle."""

import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from d2lmini.data.download import NotFetched
from d2lmini.interop.gguf import read_gguf
from d2lmini.interop.huggingface import State, build, to_huggingface

CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")


def from_checkpoint(path_or_name: str | Path) -> nn.Module:
    """Our model in evaluation mode, in float32 or float64, from what others saved.

    A folder with `config.json` and `model.safetensors`, or its shards and their index; a `.safetensors` file with `config.json` beside
    it; a `.gguf` file (see `read_gguf`); or a name of the Hugging Face Hub, `owner/name`, whose files are downloaded once.
    Raises `ValueError` on a file that is damaged, does not fit its configuration, or is a pickle, which could run code when it
    is opened; `FileNotFoundError` when there is none, `NotFetched` when the Hub cannot be reached.
    """
    path = Path(path_or_name)
    if path.suffix.lower() in PICKLES:
        raise ValueError(_pickle(path))
    if path.is_dir():
        return _from_files(path / CONFIG, _files_in(path))
    if not path.exists():
        if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", str(path_or_name)) or path.suffix in (".gguf", ".safetensors"):
            raise FileNotFoundError(
                f"{path} must be a folder, a .safetensors or .gguf file, or a name such as 'google-bert/bert-base-uncased'."
            )
        return from_checkpoint(_downloaded(str(path_or_name)))
    if path.suffix == ".gguf":
        return read_gguf(path)[0]
    if path.suffix != ".safetensors":
        raise ValueError(f"{path.name} must end in .safetensors or .gguf; give the folder that holds it, or convert it.")
    return _from_files(path.with_name(CONFIG), [path])


def save_checkpoint(ours: nn.Module, folder: str | Path, architecture: str | None = None) -> None:
    """Write what `from_checkpoint` and the `from_pretrained` of transformers read; `architecture` as in `to_huggingface`."""
    told, state = to_huggingface(ours, architecture)
    once = {weight.data_ptr(): name for name, weight in reversed(state.items())}  # tied weights: their first name
    Path(folder).mkdir(parents=True, exist_ok=True)
    save_file({name: state[name].contiguous() for name in once.values()}, Path(folder) / WEIGHTS, metadata={"format": "pt"})
    (Path(folder) / CONFIG).write_text(json.dumps(told, indent=2) + "\n", "utf8")


def _from_files(config: Path, weights: list[Path]) -> nn.Module:
    told = _json(config)
    state: State = {}
    for path in weights:
        state |= _tensors(path)
    architectures = told.get("architectures")
    return build(str(architectures[0]) if isinstance(architectures, list) and architectures else "", told, state)


def _tensors(path: Path) -> State:
    try:
        state = load_file(path)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is not there, and the index beside it names it; download it too.") from None
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} must be a whole safetensors file: {error}; download it again.") from error
    small = (torch.float32, torch.float64)
    return {name: w.float() if w.is_floating_point() and w.dtype not in small else w for name, w in state.items()}


def _json(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text("utf8"))
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is not there, and says the sizes of the model; put it beside the weights.") from None
    except ValueError as error:
        raise ValueError(f"{path} must be JSON: {error}; download it again.") from error
    if not isinstance(told, dict):
        raise ValueError(f"{path} must hold an object in braces, not {type(told).__name__}; download it again.")
    return told


def _files_in(folder: Path) -> list[Path]:
    if (folder / INDEX).is_file():
        table = _json(folder / INDEX).get("weight_map")
        names = {str(name) for name in table.values()} if isinstance(table, dict) else set()
        if not names or any(Path(name).name != name or not name.endswith(".safetensors") for name in names):
            raise ValueError(f"weight_map of {folder / INDEX} must name .safetensors files of the same folder; download it again.")
        return [folder / name for name in sorted(names)]
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    pickles = sorted(path for path in folder.iterdir() if path.suffix.lower() in PICKLES)
    if pickles:
        raise ValueError(_pickle(pickles[0]))
    raise FileNotFoundError(f"{folder} must hold {WEIGHTS}, or its shards and {INDEX}.")


def _pickle(path: Path) -> str:
    return (
        f"{path.name} must be safetensors or GGUF: a pickle can run code when it is opened, so it was not; "
        "convert it to safetensors where you trust it, with save_pretrained of transformers."
    )


def _downloaded(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=[CONFIG, "model*.safetensors", INDEX]))
    except Exception as error:  # of the network, of the Hub, of names: a dozen classes, which change with its versions
        reason = str(error).strip().split("\n")[0]
        raise NotFetched(
            f"{name} is no folder here, and could not be downloaded: {reason} Connect and try again, or give a folder."
        ) from error
