"""Plugins: what a hundred of them cost. Holds `toolkit --help` and `toolkit plugins` to 1.5 times.

Each command runs in turns with a hundred more installed distributions and without them, so that a
busy minute slows both alike. The limit is on the ratio of the medians.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

COUNT = 100
LIMIT = 1.5

TABLE = """
from toolkit import hookimpl


@hookimpl
def toolkit_register(register):
    register.loss("poly", "{name}.losses:poly", help="a loss, for the benchmark")
    register.backbone("tiny", "{name}.backbones:tiny", help="a backbone, for the benchmark")
    register.command("label", "{name}.commands:label", help="a command, for the benchmark")
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20, help="counted rounds")
    parser.add_argument("--check", action="store_true", help="exit with 1 where a ratio is above")
    arguments = parser.parse_args()
    toolkit = shutil.which("toolkit", path=sysconfig.get_path("scripts"))
    if toolkit is None:
        print("There is no toolkit beside this Python; install the package first.")
        return 2
    commands = {"toolkit --help": [toolkit, "--help"], "toolkit plugins": [toolkit, "plugins"]}
    with tempfile.TemporaryDirectory() as none, tempfile.TemporaryDirectory() as hundred:
        install_plugins(Path(hundred))
        environs = {0: environment(none), COUNT: environment(hundred)}
        require_plugins(commands, environs)
        seconds = in_turns(commands, environs, arguments.rounds)
    good = verdict(seconds)
    return 0 if good or not arguments.check else 1


def install_plugins(folder: Path) -> None:
    """A package and its `dist-info` are an installed distribution, for Python and for the host."""
    for number in range(COUNT):
        name = f"bench_{number:03}"
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(TABLE.replace("{name}", name))
        info = folder / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[toolkit]\n{name} = {name}\n")


def environment(folder: str) -> dict[str, str]:
    """The same for both. Nothing keeps plugins out, or compiled modules off the disk."""
    environ = dict(os.environ)
    environ.pop("TOOLKIT_PLUGINS", None)
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    return {**environ, "PYTHONPATH": folder}


def require_plugins(commands: dict[str, list[str]], environs: dict[int, dict[str, str]]) -> None:
    """Without the hundred plugins the figures would say nothing."""
    for name, command in commands.items():
        for count, environ in environs.items():
            done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
            found = done.stdout.count("a command, for the benchmark")
            if found != count:
                sys.exit(f"{name} lists {found} of {count} plugins:\n{done.stdout}{done.stderr}")


def in_turns(
    commands: dict[str, list[str]], environs: dict[int, dict[str, str]], rounds: int
) -> dict[tuple[str, int], list[float]]:
    """Seconds of each command with and without the plugins, round by round."""
    seconds: dict[tuple[str, int], list[float]] = {}
    for _ in range(rounds):
        for name, command in commands.items():
            for count, environ in environs.items():
                started = time.perf_counter()
                subprocess.run(command, env=environ, capture_output=True, check=True)
                taken = time.perf_counter() - started
                seconds.setdefault((name, count), []).append(taken)
    return seconds


def verdict(seconds: dict[tuple[str, int], list[float]]) -> bool:
    print(f"{'command':<20}{'without, ms':>14}{f'with {COUNT}, ms':>14}{'ratio':>8}{'fastest':>10}")
    good = True
    for name in dict.fromkeys(name for name, _ in seconds):
        without, laden = seconds[name, 0], seconds[name, COUNT]
        ratio = statistics.median(laden) / statistics.median(without)
        times = (1000 * statistics.median(without), 1000 * statistics.median(laden))
        print(
            f"{name:<20}{times[0]:>14.0f}{times[1]:>14.0f}{ratio:>8.2f}"
            f"{min(laden) / min(without):>10.2f}"
        )
        good = good and ratio <= LIMIT
    print(f"\nAt most {LIMIT} times as long: {'holds' if good else 'DOES NOT HOLD'}")
    return good


if __name__ == "__main__":
    sys.exit(main())
