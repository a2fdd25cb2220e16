"""What only looks at recipes and plugins imports nothing heavy, and starts no run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HEAVY = ["torch", "timm", "albumentations", "pandas", "sklearn", "optuna"]

LISTEN = """
import json, sys
from toolkit.cli import run_command

heavy, commands = json.loads(sys.argv[1])
found = [
    [arguments, run_command(arguments), sorted(set(heavy) & sys.modules.keys())]
    for arguments in commands
]
print(json.dumps(found))
"""

LITE = """
[data]
use = "csv"
root = "pages"

[backbone]
use = "lite.efficientnet_lite0"
drop_rate = 1.5

[loss]
use = "focall"
"""


def test_listing_validating_and_mistakes_import_nothing_heavy(folder: Path, good: str) -> None:
    (folder / "lite.toml").write_text(LITE)
    commands = [
        (["--help"], 0),
        (["plugins"], 0),
        (["plugins", "show", "loss", "focal"], 0),
        (["recipes"], 0),
        (["validate", "toolkit:cpu"], 0),
        (["validate", "toolkit:cpu", "--set", "backbone.use=lite.efficientnet_lite9"], 2),
        (["show", "toolkit:cpu"], 0),
        (["schema", "-o", "schema.json"], 0),
        (["run", "lite.toml"], 2),
    ]
    asked = json.dumps([HEAVY, [arguments for arguments, _ in commands]])
    environment = {**os.environ, "TOOLKIT_PLUGINS": "lite"}
    done = subprocess.run(
        [sys.executable, "-c", LISTEN, asked],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found == [[arguments, code, []] for arguments, code in commands]
    assert "lite.toml:11: loss.use: there is no loss" in done.stderr


def test_run_on_a_wrong_recipe_ends_with_two_and_changes_nothing(
    bad: str, folder: Path, site: Path
) -> None:
    before = sorted(folder.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-m", "toolkit", "run", bad],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(site)},
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert [line.split(":")[1] for line in done.stderr.splitlines()] == [
        "9",
        "13",
        "16",
        "19",
        "22",
        "24",
    ]
    assert sorted(folder.rglob("*")) == before
