"""On what a run was made: versions, git, data, hardware, threads."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from toolkit.runs.folder import RunFolder
from toolkit.runs.reading import DamagedFile, read_json

_PACKAGES = (
    "recipe-toolkit",
    "torch",
    "torchvision",
    "timm",
    "accelerate",
    "albumentations",
    "opencv-python-headless",
    "numpy",
    "pandas",
    "pyarrow",
    "pillow",
    "scikit-learn",
)


def manifest(
    plan_hash: str,
    fingerprint: str,
    components: list[dict[str, str]],
    threads: int | None = None,
) -> dict[str, Any]:
    """What `manifest.json` holds.

    Args:
        threads: those that a fold is trained with, where they are not this process's own.
    """
    found = machine()
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "plan": plan_hash,
        "data": fingerprint,
        "components": components,
        "python": found["python"],
        "packages": found["packages"],
        "git": _git_commit(),
        "platform": platform.platform(),
        "processor": found["processor"],
        "cores": os.cpu_count(),
        "threads": threads or found["threads"],
        "device": found["device"],
    }


def machine() -> dict[str, Any]:
    """What numbers may depend on, beside the plan."""
    import torch

    return {
        "python": sys.version.split()[0],
        "packages": {name: _version(name) for name in _PACKAGES},
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "device": device_name(),
    }


def device_name() -> str:
    """The device that trains, in the order in which accelerate looks for one."""
    import torch

    if os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes", "y", "on", "t"):
        return "cpu"
    if torch.backends.mps.is_available():
        return f"mps ({_processor()})"
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    if torch.xpu.is_available():
        return f"xpu ({torch.xpu.get_device_name()})"
    return "cpu"


def differences(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    then: str = "when the run began",
    now: str = "now",
) -> list[str]:
    """What changed between two starts of a run that may change its numbers, a line each."""
    flat_old, flat_new = _numbers(old), _numbers(new)
    return [
        f"{key}: {flat_old.get(key)} {then}, {value} {now}"
        for key, value in flat_new.items()
        if flat_old.get(key) != value
    ]


def changes_since(recipe: Path, components: list[dict[str, str]]) -> list[str]:
    """Where a recipe is a run folder's, which of its components were other ones then: of another
    version, or of the same version and edited since."""
    folder = RunFolder(recipe.parent)
    if recipe != folder.recipe or not folder.manifest.is_file():
        return []
    try:
        recorded = read_json(folder.manifest, keys=["components"])["components"]
    except DamagedFile as damage:
        return [f"{damage}; whether its components have changed since cannot be told"]
    before = {(c["kind"], c["name"]): c for c in recorded}
    changes = []
    for c in components:
        known = before.get((c["kind"], c["name"]))
        if known is None:
            continue
        then, now = (f"{part['package']} {part['version']}" for part in (known, c))
        text = f"{c['kind']} {c['name']}"
        if then != now:
            changes.append(f"{text} is {now}, and was {then} in that run")
        elif c["kind"] != "tracker" and known.get("code", c.get("code")) != c.get("code"):
            changes.append(f"{text}: the code of {now} was edited since that run")
    return [f"{recipe}: results may differ: {text}" for text in changes]


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: values.get(key) for key in ("python", "processor", "threads", "device")}
    return {**values.get("packages", {}), **kept}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    """The working directory's commit, with `+changes` where files differ from it."""
    try:
        command = ["git", "describe", "--always", "--abbrev=40", "--dirty=+changes"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if "model name" in line]
    except OSError:
        return platform.processor()
    return names[0] if names else platform.processor()
