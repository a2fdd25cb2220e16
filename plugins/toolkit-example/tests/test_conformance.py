"""The rules of the host, checked for everything that this package offers."""

from toolkit.testing import conformance

test_conformance = conformance("example")
