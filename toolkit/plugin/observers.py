"""Tells trackers what happens in a run."""

from __future__ import annotations

from typing import Any

import pluggy

from toolkit.errors import PluginError
from toolkit.plugin.hooks import PROJECT, TrackerSpec


def observers(trackers: dict[str, object]) -> Any:
    """The hooks of these trackers: `hook.toolkit_epoch_end(run=..., fold=..., ...)`.

    Args:
        trackers: by the name that a recipe uses.

    Raises `PluginError` where a tracker implements a hook that does not exist, or with an
    argument that it does not have.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(TrackerSpec)
    for name, tracker in trackers.items():
        try:
            manager.register(tracker, name)
            manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise PluginError(f"tracker {name}: {error}") from error
        if not manager.get_hookcallers(tracker):
            raise PluginError(
                f"tracker {name}: implements no hook; mark its methods with @toolkit.hookimpl"
            )
    return manager.hook
