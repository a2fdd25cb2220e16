"""`toolkit plugins --json`: what a program wants to know of the plugins."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from toolkit.plugin.host import Host

if TYPE_CHECKING:
    from toolkit.cli.plugin_check import Checked


def plugins_json(host: Host, checked: Checked | None) -> str:
    """Plugins, components, commands and recipes as JSON text; with `--check`, what it found."""
    found: dict[str, Any] = {
        "plugins": [{**asdict(plugin), "warning": plugin.warning} for plugin in host.loaded],
        "components": [asdict(entry) for entry in host.registry],
        "commands": [asdict(command) for command in host.commands],
        "recipes": [asdict(folder) for folder in host.recipes],
        "set_aside": [asdict(aside) for aside in host.set_aside],
        "left_out": [asdict(out) for out in host.left_out],
    }
    if checked is not None:
        found |= {"problems": list(checked.problems), "untried": list(checked.untried)}
    return json.dumps(found, indent=2, ensure_ascii=False)
