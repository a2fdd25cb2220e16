"""The conformance kit for plugin authors: every rule of the host, as tests of your components.

>>> from toolkit.testing import conformance
>>> test_conformance = conformance("acme")

`checks("acme")` yields the same checks without pytest. `docs/reference/conformance.md` lists them.
"""

from __future__ import annotations

from toolkit.testing.kit import Check, checks, conformance
from toolkit.testing.subject import CheckFailed, NotApplicable

__all__ = ["Check", "CheckFailed", "NotApplicable", "checks", "conformance"]
