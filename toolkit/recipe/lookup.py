"""Finds what a recipe names: the registered component, or what to say instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from toolkit.errors import PluginError, did_you_mean
from toolkit.plugin.host import Host
from toolkit.plugin.registry import Entry
from toolkit.plugin.schema import options_model
from toolkit.recipe.lines import Keys
from toolkit.recipe.sections import SCHEDULES
from toolkit.recipe.slots import SLOTS


@dataclass(frozen=True)
class Lookup:
    """The components of a host, by the names that recipes use."""

    host: Host

    def find(self, kind: str, use: Any) -> tuple[Entry | None, str | None]:
        """The registered component of that name, or what to say instead."""
        if not isinstance(use, str):
            return None, f"expected the name of a {kind}, found {use!r}"
        registry = self.host.registry
        entry, family = registry.get(kind, use), registry.family(kind)
        if entry is not None and entry is not family:
            return entry, None
        reason = self.host.reason_for(use) if "." in use else None
        if reason is not None:
            return None, f'"{use}": its plugin was set aside: {reason}'
        plugin = use.partition(".")[0] if "." in use else ""
        known = [name for name in registry.names(kind) if family is None or name != family.name]
        if family is not None and use.partition(".")[0] not in self.plugins():
            known += family.family_names()
            if use in known or use in family.family_aliases():
                return family, None
        if plugin and plugin not in self.plugins() and plugin not in known:
            guess = did_you_mean(use, known)
            return None, f'"{use}": no plugin "{plugin}" is loaded; install its package.{guess}'
        return None, f'there is no {kind} "{use}".{did_you_mean(use, known)}'

    def plugins(self) -> set[str]:
        return {entry.plugin for entry in self.host.registry} | {p.plugin for p in self.host.loaded}

    def model_of(self, keys: Keys, use: Any) -> type[BaseModel] | None:
        """The options of a component that `[tune.space]` offers; None where it is not found."""
        if keys == ("schedule",):
            return SCHEDULES.get(use) if isinstance(use, str) else None
        entry = self.find(SLOTS[keys].kind, use)[0] if keys in SLOTS else None
        try:
            return None if entry is None else options_model(entry)
        except PluginError:
            return None  # `chooses` says what is wrong with it

    def chooses(self, keys: Keys, use: Any) -> str | None:
        """What is wrong with a component name that `[tune.space]` offers for a section."""
        if keys == ("schedule",):
            known = isinstance(use, str) and use in SCHEDULES
            return None if known else f'there is no schedule "{use}"'
        if keys == ("optimizer",):
            return optimizer_problem(use)
        entry, problem = self.find(SLOTS[keys].kind, use)
        if entry is not None:
            try:
                options_model(entry)
            except PluginError as error:
                return str(error)
        return problem


def optimizer_problem(use: Any) -> str | None:
    """What is wrong with the name of an optimizer."""
    if not isinstance(use, str):
        return f"expected the name of an optimizer, found {use!r}"
    if use in ("adam", "adamw", "sgd", "nadamw", "lamb", "lion", "rmsprop"):
        return None  # known for certain: spares the import of timm
    from timm.optim import list_optimizers

    known = list_optimizers()
    if use not in known:
        return f'there is no optimizer "{use}".{did_you_mean(use, known)}'
    from toolkit.builtin.optimizers import why_not

    reason = why_not(use)
    return None if reason is None else f"{use} cannot train here: {reason}; try adamw or sgd"
