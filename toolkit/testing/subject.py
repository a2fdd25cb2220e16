"""What is checked: one component, its options, and what the host would pass to its factory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from toolkit.contracts import Facts, ImageSpec, Ints, RunInfo
from toolkit.errors import PluginError
from toolkit.plugin.registry import Entry
from toolkit.plugin.schema import asked_on_demand, options_model
from toolkit.recipe.plan import Choice
from toolkit.recipe.problems import validate

if TYPE_CHECKING:
    from torch import nn

CLASSES = ("email", "form", "letter", "memo")
COUNTS = (40, 24, 12, 4)
"""Training rows of each class: imbalanced, as real data is."""

IMAGE_SIZE = 64


class CheckFailed(AssertionError):
    """A component breaks a rule: what was found, what was expected, the next step."""


class NotApplicable(Exception):
    """The check does not concern this component, and why."""


def require(holds: bool, message: str) -> None:
    """Raises `CheckFailed` with the message unless the rule holds."""
    if not holds:
        raise CheckFailed(message)


@dataclass(frozen=True)
class Subject:
    """One component under test."""

    entry: Entry
    use: str
    """As a recipe names it; for a family, the name of a member."""
    given: Mapping[str, Any]
    """Options that the author passes to the kit."""
    size: int = IMAGE_SIZE
    """Side of the images, pixels."""

    @property
    def component(self) -> str:
        return f"{self.entry.kind}:{self.use}"

    @property
    def facts(self) -> Facts:
        return Facts(CLASSES, COUNTS, ImageSpec(self.size), seed=0)

    def factory(self) -> Callable[..., Any]:
        try:
            return self.entry.load()
        except PluginError as error:
            raise NotApplicable("its target does not load; see target_loads") from error

    def model(self) -> type[BaseModel]:
        """The options model that the host makes of the signature."""
        self.factory()
        try:
            return options_model(self.entry)
        except PluginError as error:
            see = "see host_arguments_match and options_annotated"
            raise NotApplicable(f"its signature does not fit; {see}") from error

    def options(self) -> dict[str, Any]:
        """The options as the host passes them, defaults included.

        Raises `CheckFailed` where the given ones are wrong, or one without a default is missing.
        """
        model = self.model()
        given = dict(self.given)
        if self.entry.kind == "backbone" and "pretrained" in model.model_fields:
            given.setdefault("pretrained", False)  # a check waits for no download
        checked, problems = validate(model, given)
        if checked is None:
            faults = "; ".join(f"{name}: {text}" for name, text in problems)
            example = {self.component: {name: "..." for name, _ in problems}}
            raise CheckFailed(f"{faults}. Pass options={example} to the kit")
        return checked.model_dump()

    def make(self, *host_arguments: Any) -> Any:
        """The component, made as the host makes it. Whatever the factory raises goes through."""
        return Choice(self.use, self.entry, self.options()).build_unblamed(*host_arguments)

    def build(self, *host_arguments: Any) -> Any:
        """The component, for a check of what it does. Raises `NotApplicable` where there is none:
        `builds` reports that, once."""
        try:
            return self.make(*host_arguments)
        except NotApplicable:
            raise
        # A factory may raise anything at all.
        except Exception as error:
            raise NotApplicable("it cannot be built; see builds") from error

    def build_module(self, *host_arguments: Any) -> nn.Module:
        """A loss or a backbone, as `build` gives it."""
        from torch import nn

        module = self.build(*host_arguments)
        if not isinstance(module, nn.Module):
            raise NotApplicable("it is no nn.Module; see builds")
        return module


def host_arguments(subject: Subject, folder: str | None = None) -> tuple[Any, ...]:
    """What the host passes to a factory of this kind, for images of `subject.size`."""
    import numpy as np

    given: dict[str, Callable[[], tuple[Any, ...]]] = {
        "source": tuple,
        "executor": tuple,
        "augmentation": lambda: (subject.facts.image,),
        "sampler": lambda: sampler_arguments(subject, np.repeat(np.arange(len(COUNTS)), COUNTS)),
        "tracker": lambda: (run_info(folder or tempfile.gettempdir()),),
    }
    return given.get(subject.entry.kind, lambda: (subject.facts,))()


def sampler_arguments(subject: Subject, labels: Ints) -> tuple[Any, ...]:
    """Labels, and groups and parents where the factory names them: four rows a group, and every
    third row made from the one before it."""
    import numpy as np

    ids = [f"row {row}" for row in range(len(labels))]
    known = {
        "groups": [f"site {row // 4}" for row in range(len(labels))],
        "parents": [ids[row - 1] if row % 3 == 2 else ids[row] for row in range(len(labels))],
    }
    subject.model()  # a factory whose signature cannot be read is no subject here
    more = asked_on_demand(subject.entry)
    return (labels, *(np.array(known[name], dtype=object) for name in more))


def run_info(folder: str) -> RunInfo:
    """A run as a tracker sees it."""
    recipe = {"name": "conformance", "seed": 0, "loss": {"use": "focal", "gamma": 2.0}}
    return RunInfo("conformance", folder, "0123456789abcdef0123456789abcdef", recipe)
