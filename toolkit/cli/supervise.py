"""Waits for the process that trains, and tells of a death that it could not tell of itself.

The child is the same command once more, on the same terminal. Its exit code is passed on; so are
Ctrl-C and other requests to end. This process imports nothing heavy.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from toolkit.errors import UserError
from toolkit.runs.signals import ENDING, INTERRUPTED, handling, killed_by
from toolkit.runs.supervised import SIZE, VARIABLE, read_marks

_ALONE = ("--help", "--dashboard")

_STAGES = {
    "plan": "checking the recipe's components",
    "decode": "decoding images",
    "offline": "drawing copies of the training images",
    "train": "training",
    "predict": "predicting",
    "join": "joining the folds",
    "end": "ending",
}

_NATIVE = (
    "If it ends so again, a library does not bear this model or machine; try "
    "--set train.channels_last=false, another backbone, or --set train.workers=0."
)
_DUMPED = ("SIGSEGV", "SIGABRT", "SIGFPE", "SIGBUS", "SIGILL")
"""At these, `faulthandler` writes the Python stack."""

# What a signal says of the reason, and what to try.
_SIGNALS = {
    "SIGKILL": (
        "killed, by the system for want of memory, or by hand",
        "For less memory lower train.batch_size (and raise train.accumulate), image.size, or the "
        "number of workers.",
    ),
    "SIGSEGV": ("a fault in native code", _NATIVE),
    "SIGABRT": ("native code gave up", _NATIVE),
    "SIGFPE": ("a fault in native code", _NATIVE),
    "SIGBUS": (
        "a file that it maps into memory was cut short, or its disk is full",
        "Make room in the cache folder, or move it: `toolkit cache` names it.",
    ),
    "SIGILL": (
        "an instruction that this processor does not have",
        "Install builds of torch and the other libraries that are made for it.",
    ),
    "SIGXCPU": ("it used up the processor time that it may have", "Raise the limit: ulimit -t."),
}


def command_to_supervise(arguments: Sequence[str]) -> list[str] | None:
    """The command of the child; None where this process trains nothing, or cannot be run again."""
    if set(arguments) & set(_ALONE):
        return None
    own = sys.orig_argv[: len(sys.orig_argv) - len(arguments)]
    # Not where somebody calls us with arguments of their own, from standard input, or under a
    # debugger, which would start twice.
    again = sys.orig_argv[len(own) :] == list(arguments) and len(own) > 1 and own[-1] != "-"
    if not again or not sys.executable or sys.gettrace() is not None:
        return None
    return [sys.executable, *own[1:], *arguments]


def supervise(command: Sequence[str], name: str) -> int:
    """Run the command in a child and wait for it. Returns its exit code, or what its death means.

    Args:
        name: what people call it, `toolkit run`.
    """
    file, path = tempfile.mkstemp(prefix="toolkit-")
    try:
        os.write(file, b" " * SIZE)
        code = _wait(command, {**os.environ, VARIABLE: f"{os.getpid()}:{path}"})
        killed = killed_by(code)
        at = read_marks(file)
        if killed is None and at.get("ended"):
            return code
        if killed in {number.name for number in ENDING}:  # before it could say so itself
            print("\nInterrupted. The same command goes on where it stopped.", file=sys.stderr)
            return INTERRUPTED
    finally:
        os.close(file)
        Path(path).unlink(missing_ok=True)
    by = killed or f"an exit with code {code}"
    print("\n".join(obituary(name, by, at)), file=sys.stderr)
    return UserError.exit_code


def _wait(command: Sequence[str], environ: Mapping[str, str]) -> int:
    process: subprocess.Popen[bytes] | None = None

    def pass_on(number: int, frame: FrameType | None) -> None:
        if process is None:
            raise KeyboardInterrupt
        if sys.platform != "win32":  # there the console tells both
            process.send_signal(signal.Signals(number))

    with handling(pass_on):
        process = subprocess.Popen(command, env=environ)
        return process.wait()


def obituary(name: str, by: str, at: Mapping[str, Any]) -> list[str]:
    """What is known of a death: by what, where it was, what to try."""
    own = ("a library or a plugin ended the process", _NATIVE)
    outside = ("from outside, or by native code", _NATIVE)
    reason, advice = _SIGNALS.get(by, own if by.startswith("an exit") else outside)
    place = f"{at['folder']}: " if "folder" in at else ""
    text = f"{place}{name} was ended by {by} ({reason}), {_where(at)}."
    log = Path(at["log"]) if "log" in at else None
    if log is not None:
        with suppress(OSError), log.open("a", encoding="utf-8") as lines:  # said above all the same
            lines.write(f"{text}\n")
        if by in _DUMPED:
            text += f" {log} has its Python stack."
    return [text, f"The same command goes on where this one stopped. {advice}"]


def _where(at: Mapping[str, Any]) -> str:
    stage = _STAGES.get(str(at.get("stage")), "starting")
    if "fold" not in at:
        return stage
    fold = f"in fold {at['fold'] + 1} of {at['folds']}"
    if "epoch" not in at:
        return f"{fold}, {stage}"
    return f"{fold}, {stage} in epoch {at['epoch']} of {at['epochs']}"
