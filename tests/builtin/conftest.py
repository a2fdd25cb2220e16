"""What the components in the box are given by the host."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from toolkit.contracts import Facts, ImageSpec


@pytest.fixture
def make_facts() -> Callable[..., Facts]:
    """Facts with one class a count, named a, b, c, ..."""

    def make(*counts: int, size: int = 32) -> Facts:
        return Facts(tuple("abcdefghij"[: len(counts)]), counts, ImageSpec(size), seed=0)

    return make
