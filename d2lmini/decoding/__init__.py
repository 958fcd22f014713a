"""From scores to texts: greedy, sampled, constrained or by beam search, over any decoder, with or without a cache.

A *reader* is given tokens and says how likely each next one is; a *choice* picks one; a *filter* changes the scores before.
"""

from d2lmini.decoding.beam import Hypothesis, beam_search
from d2lmini.decoding.choices import Choice, Filter, Texts, allow, greedy, min_p, repetition_penalty, sample, temperature, top_k, top_p
from d2lmini.decoding.fast import FastLlama
from d2lmini.decoding.readers import Cached, Reader, Rereading, Scores
from d2lmini.decoding.writing import generate, stream

__all__ = [
    "Cached",
    "Choice",
    "FastLlama",
    "Filter",
    "Hypothesis",
    "Reader",
    "Rereading",
    "Scores",
    "Texts",
    "allow",
    "beam_search",
    "generate",
    "greedy",
    "min_p",
    "repetition_penalty",
    "sample",
    "stream",
    "temperature",
    "top_k",
    "top_p",
]
