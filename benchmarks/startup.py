"""Start-up: what the first answer of the command line costs. Holds `--help` to its limit.

`toolkit --help`, with three plugins installed, may take twice what `python -c "import typer"`
takes, plus 50 ms. All commands are timed in turns, so that a busy minute slows them alike.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROUNDS = 10
ALLOWANCE = 0.050  # seconds, on top of twice the import of typer

HELP, TYPER = "toolkit --help", 'python -c "import typer"'

PLUGIN = '''
from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    register.backbone("tiny", "{module}:tiny", help="a linear layer, for the benchmark")


def tiny(facts, /, *, pretrained: bool = False):
    """A linear layer."""
    from torch import nn

    size = 3 * facts.image.size**2
    return nn.Sequential(nn.Flatten(), nn.Linear(size, len(facts.classes)))
'''
PLUGINS = ("startup_one", "startup_two", "startup_three")

RECIPE = """
[data]
use = "csv"
root = "nowhere"

[backbone]
use = "{backbone}"
pretrained = "yes"

[loss]
use = "fokal"
"""


def main() -> int:
    toolkit = shutil.which("toolkit", path=sysconfig.get_path("scripts"))
    if toolkit is None:
        print("There is no toolkit beside this Python; install the package first.")
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        install_plugins(folder)
        own, timm = folder / "own.toml", folder / "timm.toml"
        own.write_text(RECIPE.format(backbone=f"{PLUGINS[0]}.tiny"))
        timm.write_text(RECIPE.format(backbone="resnet18"))
        commands = {
            TYPER: [sys.executable, "-c", "import typer"],
            HELP: [toolkit, "--help"],
            "toolkit plugins": [toolkit, "plugins"],
            "two mistakes, a plugin's backbone": [toolkit, "validate", str(own)],
            "two mistakes, timm's backbone": [toolkit, "validate", str(timm)],
        }
        environ = environment(folder)
        require_plugins(commands["toolkit plugins"], environ)
        seconds = in_turns(commands, environ)
    return verdict(seconds)


def install_plugins(folder: Path) -> None:
    """A module and its `dist-info` are an installed distribution, for Python and for the host."""
    for name in PLUGINS:
        (folder / f"{name}.py").write_text(PLUGIN.format(module=name))
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[toolkit]\n{name} = {name}\n")


def environment(folder: Path) -> dict[str, str]:
    """The same for every command. Nothing keeps the plugins out, or compiled modules off disk."""
    environ = dict(os.environ)
    environ.pop("TOOLKIT_PLUGINS", None)
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**environ, "PYTHONPATH": str(folder)}


def require_plugins(command: list[str], environ: dict[str, str]) -> None:
    """Without the three plugins the figures would say nothing."""
    listed = subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout
    missing = [name for name in PLUGINS if f"{name}.tiny" not in listed]
    if missing:
        sys.exit(f"toolkit plugins does not list {', '.join(missing)}:\n{listed}")


def in_turns(commands: dict[str, list[str]], environ: dict[str, str]) -> dict[str, list[float]]:
    """Seconds of each command in each round. A round before the first fills the disk's cache."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for measured in [False] + [True] * ROUNDS:
        for name, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, env=environ, capture_output=True, check=False)
            if measured:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def verdict(seconds: dict[str, list[float]]) -> int:
    print(f"{'command':<36}{'median ms':>10}{'fastest':>10}{'slowest':>10}")
    for name, found in seconds.items():
        cells = (statistics.median(found), min(found), max(found))
        print(f"{name:<36}" + "".join(f"{1000 * cell:>10.0f}" for cell in cells))
    limit = 2 * statistics.median(seconds[TYPER]) + ALLOWANCE
    taken = statistics.median(seconds[HELP])
    good = taken <= limit
    print(
        f"\n{HELP}: {1000 * taken:.0f} ms, limit {1000 * limit:.0f} ms "
        f"(twice typer + {1000 * ALLOWANCE:.0f} ms): {'holds' if good else 'DOES NOT HOLD'}"
    )
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
