"""The host's keys of `[execute]`: what a recipe asks of whatever executor it chooses."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from toolkit.contracts.execute import Resources
from toolkit.recipe.sections import Section


class Execute(Section):
    """The host's own keys beside an executor's options."""

    workers: Annotated[
        Literal["auto"] | Annotated[int, Field(ge=1)],
        Field(description="folds, or workers of a study, at once; auto: the executor's choice"),
    ] = "auto"
    cpus: Annotated[
        Literal["auto"] | Annotated[int, Field(ge=1)],
        Field(description="threads of each; auto: the cores, shared evenly"),
    ] = "auto"
    gpus: Annotated[
        Literal["auto"] | Annotated[float, Field(ge=0, le=1)],
        Field(description="GPUs of each; below 1, several share one; auto: one where there are"),
    ] = "auto"

    def resources(self, jobs: int) -> Resources:
        """For so many jobs."""
        return Resources(
            jobs,
            None if self.workers == "auto" else self.workers,
            None if self.cpus == "auto" else self.cpus,
            None if self.gpus == "auto" else self.gpus,
        )
