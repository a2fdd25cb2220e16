"""Third-party code may raise anything: it is told in one line, with whose it is and where.

Every factory call and every call of what a factory gave goes through here. The line names the
component, its package, what was raised, and the deepest frame that lies in the plugin: a line of
torch or numpy helps no author.
"""

from __future__ import annotations

import errno
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from toolkit.errors import PluginError, ToolkitError, cause
from toolkit.plugin.api import BUILTIN
from toolkit.plugin.code import place_of

# The machine's faults, whoever runs into them: they are told as such further out.
_OF_THE_MACHINE = {errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO}

_LONGEST = 400  # characters of what was raised: a state dict that does not fit lists every key


class Registered(Protocol):
    """An entry of the registry or a command: what says whose code it leads to."""

    @property
    def target(self) -> str: ...
    @property
    def plugin(self) -> str: ...
    @property
    def package(self) -> str: ...
    @property
    def version(self) -> str: ...
    def load(self) -> Callable[..., Any]: ...


class Blamed(PluginError):
    """What third-party code raised: the component, whose it is, the cause, and where."""


Suspect = tuple[str, Registered]
"""What is told of a component, `"loss acme.poly"`, and its entry."""


@contextmanager
def blamed(
    component: str,
    entry: Registered,
    *others: Suspect,
    doing: str,
    passing: tuple[type[BaseException], ...] = (),
) -> Iterator[None]:
    """Turn what third-party code raises inside the block into a `Blamed` error of one line.

    Hold the call alone in the block: what the host itself does there would be blamed, too.

    Args:
        component: what it is, `"loss acme.poly"`.
        entry: its entry.
        others: who else may be at fault; whoever has a frame in the traceback is, else the first
            that is a third party's.
        doing: what went wrong with it, `"it cannot be built"`, `"read fails"`.
        passing: what is raised on purpose.

    Passed as they are: errors of toolkit, an interruption, memory that ran out, and faults of the
    machine (no space, too many open files). What is in the box is blamed by nobody: its faults
    are ours.
    """
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit):
        raise
    # A third party may raise anything at all, or exit.
    except BaseException as error:
        suspects = [s for s in ((component, entry), *others) if is_third_party(s[1])]
        if not suspects or isinstance(error, passing) or _passes(error):
            raise
        raise Blamed(_line(suspects, error, doing)) from error


def is_third_party(entry: Registered) -> bool:
    """Whether a component is not in the box."""
    return entry.plugin != BUILTIN


def whose(entry: Registered | None, error: BaseException | None = None) -> str:
    """What a line adds to say whose a component is: ` (acme-vision 1.2.3, losses.py:12)`, with the
    whole path. Nothing for what is in the box.

    Args:
        error: what was raised; its deepest frame in the plugin is named, else the factory's line.
    """
    if entry is None or not is_third_party(entry):
        return ""
    frame = None if error is None else frame_in(error, _module(entry))
    return f" ({entry.package} {entry.version}, {frame or _definition(entry)})"


def frame_in(error: BaseException, module: str) -> str | None:
    """`file:line` of the deepest frame in the package of a module, in what was raised or in what
    led to it; None where no frame lies there."""
    place = place_of(module)
    if place is None:
        return None
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        if isinstance(link, SyntaxError) and link.filename and _lies_in(link.filename, place):
            return f"{link.filename}:{link.lineno}"
        own = [f for f in traceback.extract_tb(link.__traceback__) if _lies_in(f.filename, place)]
        if own:
            return f"{own[-1].filename}:{own[-1].lineno}"
        link = link.__cause__ or link.__context__
    return None


def _passes(error: BaseException) -> bool:
    if isinstance(error, ToolkitError | MemoryError):
        return True
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        return True
    if isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error):
        return True  # torch's word for memory that ran out on a CPU
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(error, torch.OutOfMemoryError)


def _line(suspects: list[Suspect], error: BaseException, doing: str) -> str:
    met = (s for s in suspects if frame_in(error, _module(s[1])) is not None)
    component, entry = next(met, suspects[0])
    what = cause(error)
    if len(what) > _LONGEST:
        what = f"{what[:_LONGEST]} ..."
    return f"{component}: {doing}: {what}{whose(entry, error)}"


def _definition(entry: Registered) -> str:
    """`file:line` where the factory is written; its target where that cannot be known."""
    try:
        found = inspect.unwrap(entry.load())
        return f"{inspect.getsourcefile(found)}:{inspect.getsourcelines(found)[1]}"
    except (PluginError, OSError, TypeError):  # no source: compiled, or made by a call
        return entry.target


def _module(entry: Registered) -> str:
    return entry.target.partition(":")[0]


def _lies_in(file: str, place: Path) -> bool:
    path = Path(file)
    return path == place or place in path.parents
