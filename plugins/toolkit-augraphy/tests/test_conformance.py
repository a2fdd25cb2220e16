"""The rules that every augmentation keeps, checked by the kit for plugin authors."""

from toolkit.testing import conformance

test_conformance = conformance("augraphy")
