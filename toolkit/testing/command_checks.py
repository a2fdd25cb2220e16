"""What a plugin's command must hold: `toolkit <plugin> <name>`."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass

from toolkit.errors import PluginError
from toolkit.plugin.host import PLUGINS_VARIABLE
from toolkit.plugin.registry import Command
from toolkit.testing.subject import CheckFailed, NotApplicable, require

# The command line is above this room, so that it is asked from outside, as a person does.
_ASK = """
import json, os, sys

arguments, path, variable, plugin = json.loads(sys.argv[1])
sys.path[:] = path
os.environ[variable] = plugin
from toolkit.cli import run_command

sys.exit(run_command(arguments))
"""


@dataclass(frozen=True)
class Registered:
    """One command under test."""

    command: Command

    @property
    def component(self) -> str:
        return f"command:{self.command.plugin}.{self.command.name}"


def target_loads(subject: Registered) -> None:
    """The target leads to a function, or to a `typer.Typer`."""
    try:
        subject.command.load()
    except PluginError as error:
        raise CheckFailed(
            f"{error}; correct the target in toolkit_register, or what its module imports"
        ) from error


def explains_itself(subject: Registered) -> None:
    """`toolkit <plugin> <name> --help` answers."""
    command = subject.command
    try:
        command.load()
    except PluginError as error:
        raise NotApplicable("its target does not load; see target_loads") from error
    arguments = [command.plugin, command.name, "--help"]
    asked = json.dumps([arguments, sys.path, PLUGINS_VARIABLE, command.plugin])
    done = subprocess.run(
        [sys.executable, "-c", _ASK, asked], capture_output=True, text=True, check=False
    )
    said = done.stderr.strip().rpartition("\n")[2]
    require(
        done.returncode == 0,
        f"`toolkit {' '.join(arguments)}` ends with {done.returncode}: {said}; annotate its "
        "parameters as Typer reads them",
    )


CHECKS = (target_loads, explains_itself)
