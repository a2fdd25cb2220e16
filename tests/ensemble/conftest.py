"""A small table, and predictions of its rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from toolkit.contracts import Table


@pytest.fixture
def table() -> Table:
    """Originals a to f of two classes and a copy of a; test rows in an order of their own."""
    ids = [*"abcdef", "a-copy"]
    train = pd.DataFrame(
        {
            "id": ids,
            "path": [f"{i}.png" for i in ids],
            "label": [0, 1, 0, 1, 0, 0, 0],
            "parent": [*"abcdef", "a"],
            "group": ids,
        }
    )
    tests = pd.DataFrame({"id": ["z", "x", "y"], "path": ["z.png", "x.png", "y.png"]})
    return Table(
        train.sort_values("id").reset_index(drop=True),
        tests,
        ("invoice", "letter"),
        targets=(3, 11),
        columns=("ID", "target"),
    )


@pytest.fixture
def probabilities() -> np.ndarray:
    """Three rows."""
    return np.float32([[0.75, 0.25], [0.5, 0.5], [0.0, 1.0]])
