"""Processes that we start: decoders, loaders, workers.

A spawned process of `multiprocessing` runs its parent's script again, so as to find what the script
defines. Ours need nothing of it, so that a script may call `toolkit.run` at its top without
`if __name__ == "__main__":`.
"""

from __future__ import annotations

import multiprocessing.process
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from toolkit.errors import PluginError, RunError, cause

_MAIN = "__main__"

NEEDS_GUARD = (
    "they run this script again, for what it defines, and toolkit.run in it; write:\n"
    'if __name__ == "__main__":\n'
    "    toolkit.run(...)"
)


def needs_main(pickled: bytes) -> bool:
    """Whether what travels is defined in the script, so that the processes have to run it."""
    return _MAIN.encode() in pickled


@contextmanager
def without_main(pickled: bytes = b"") -> Iterator[None]:
    """Processes that start inside do not run this process's script again.

    Args:
        pickled: what is sent to them. Where the script defines a part of it, they have to.
    """
    if needs_main(pickled):
        yield
        return
    main: Any = sys.modules[_MAIN]
    # What multiprocessing.spawn.get_preparation_data looks at.
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    main.__spec__ = main.__file__ = None
    try:
        yield
    finally:
        main.__spec__ = spec
        main.__file__ = file
        if file is None:  # interactive: there was none
            del main.__file__


def refuse_while_a_script_is_run_again() -> None:
    """Raise `RunError` in a process that is running its parent's script to find what it defines:
    there, nothing may train."""
    if getattr(multiprocessing.process.current_process(), "_inheriting", False):
        raise RunError(f"this process was started by one that trains: {NEEDS_GUARD}")


def require_travel(what: object, component: str, remedy: str) -> None:
    """Raise `PluginError` where a component's product cannot be sent to other processes.

    Args:
        remedy: what a recipe may say instead.
    """
    try:
        pickle.loads(pickle.dumps(what))
    except Exception as error:  # whatever pickle, or a `__getstate__` of a third party, raises
        raise PluginError(
            f"{component}: cannot be sent to other processes ({cause(error)}): define its classes "
            "and functions at the top of a module, and open files and locks when they are first "
            f"used; or {remedy}"
        ) from error
