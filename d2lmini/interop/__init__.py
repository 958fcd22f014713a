"""Weights to and from other libraries: PyTorch's layers, Hugging Face's models, files in safetensors and GGUF."""

from d2lmini.interop.checkpoints import from_checkpoint, save_checkpoint
from d2lmini.interop.gguf import read_gguf
from d2lmini.interop.huggingface import copy_llama, from_huggingface, to_huggingface
from d2lmini.interop.layers import copy_attention, copy_decoder_block, copy_encoder_block, copy_linear, copy_stacks

__all__ = [
    "copy_attention",
    "copy_decoder_block",
    "copy_encoder_block",
    "copy_linear",
    "copy_llama",
    "copy_stacks",
    "from_checkpoint",
    "from_huggingface",
    "read_gguf",
    "save_checkpoint",
    "to_huggingface",
]
