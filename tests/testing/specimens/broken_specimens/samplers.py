"""Samplers: each breaks the check of its name, and that one alone."""

from __future__ import annotations

import numpy as np


def weights_or_rows(labels, /):
    """Rows as floats."""
    return lambda rng: rng.permutation(len(labels)).astype(np.float64)


def same_seed_same_rows(labels, /):
    """Brings a generator of its own."""
    own = np.random.default_rng()
    return lambda rng: own.permutation(len(labels))


def every_class_drawn(labels, /):
    """Class 3 is never drawn."""
    return (labels != 3).astype(np.float32)


def absent_class(labels, /):
    """Counts the classes that occur, and looks them up as if all did."""
    _, counts = np.unique(labels, return_counts=True)
    return 1 / counts[labels]


def labels_unmodified(labels, /):
    """Sorts the caller's labels."""
    labels.sort()
    return np.ones(len(labels), dtype=np.float32)
