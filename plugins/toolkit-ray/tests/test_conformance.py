"""The executor passes toolkit's kit, each check with a Ray of its own."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from toolkit.testing import conformance

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed"),
]

if find_spec("ray") is not None:
    test_conformance = conformance("ray")
