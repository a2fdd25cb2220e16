"""Folds and trials on a Ray cluster. Light: Ray is imported where a recipe runs on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolkit import hookimpl

if TYPE_CHECKING:
    from toolkit.plugin.registry import Register


@hookimpl
def toolkit_register(register: Register) -> None:
    register.executor(
        "tasks", "toolkit_ray.tasks:tasks", help="tasks of a Ray cluster, or of Ray on this machine"
    )
