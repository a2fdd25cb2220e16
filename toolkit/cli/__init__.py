"""The command line. Commands are thin: parse, call, render."""

from __future__ import annotations

import io
import os
import sys
import traceback
from typing import Any

from toolkit.errors import ToolkitError, UserError
from toolkit.runs.machine import machine_fault
from toolkit.runs.signals import INTERRUPTED, interruptible
from toolkit.runs.supervised import VARIABLE, begin

TRAIN = ("run", "tune")


def main() -> None:
    """The console script `toolkit`. Ends with the exit code of what happened."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a class name may be outside the code page
            stream.reconfigure(errors="backslashreplace")
    sys.exit(_main(sys.argv[1:]))


def _main(arguments: list[str]) -> int:
    """What trains works in a child, whose death in native code this process tells of."""
    supervisor = os.environ.pop(VARIABLE, None)  # what the child starts is supervised by nobody
    if supervisor is not None:
        begin(supervisor)
    elif arguments and arguments[0] in TRAIN:
        from toolkit.cli.supervise import command_to_supervise, supervise

        command = command_to_supervise(arguments)
        if command is not None:
            return supervise(command, f"toolkit {arguments[0]}")
    with interruptible():
        return run_command(arguments)


def run_command(arguments: list[str]) -> int:
    """Run a command line. Returns 0 done, 1 our fault, 2 the user's mistake, 3 done but something
    was set aside, 130 interrupted."""
    import typer

    from toolkit.cli.app import app

    # Typer may bring its own copy of click: its exceptions are found through what it exports.
    usage: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")

    try:
        code = app(arguments, prog_name="toolkit", standalone_mode=False)
    except UserError as error:
        print("\n".join(error.lines), file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted()
    except usage as error:
        error.show()
        return UserError.exit_code
    except ToolkitError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the last line of defence
        fault = machine_fault(error)
        if fault is not None:
            print(fault, file=sys.stderr)
            return fault.exit_code
        traceback.print_exc()
        print("This is a fault of toolkit or of a plugin, not yours.", file=sys.stderr)
        return 1
    # Typer turns Ctrl-C inside a command into this code, without a word.
    return _interrupted() if code == INTERRUPTED else int(code or 0)


def _interrupted() -> int:
    print("\nInterrupted. The same command goes on where this one stopped.", file=sys.stderr)
    return INTERRUPTED
