"""Collects the checks of a plugin, and hands them to pytest or to anybody else."""

from __future__ import annotations

import importlib
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from toolkit.errors import ToolkitError, UserError, cause, did_you_mean
from toolkit.plugin.api import BUILTIN
from toolkit.plugin.host import PLUGINS_VARIABLE, load_host
from toolkit.testing import command_checks
from toolkit.testing.command_checks import Registered
from toolkit.testing.plugin_checks import (
    COMPONENT_CHECKS,
    FACTORY_CHECKS,
    PLUGIN_CHECKS,
    Plugin,
    builds,
)
from toolkit.testing.subject import IMAGE_SIZE, CheckFailed, NotApplicable, Subject

HOST = Path(__file__).parents[1]

RULES = "docs/reference/conformance.md"

Options = Mapping[str, Mapping[str, Any]]
"""`{"source:acme.pages": {"root": "tests/pages"}}`."""

ExpectedFailures = Mapping[str, Mapping[str, str]]
"""`{"loss:acme.poly": {"batch_of_one": "why"}}`."""


class Check(NamedTuple):
    """One check of one component."""

    component: str
    """`loss:acme.poly`, as `kind:name`; `plugin:acme` for the plugin as a whole."""
    name: str
    """`finite_scalar`."""
    run: Callable[[], None]
    """Raises `CheckFailed` with what to mend, or `NotApplicable` with the reason."""


def checks(
    plugin: str, *, options: Options | None = None, image_size: int = IMAGE_SIZE
) -> Iterator[Check]:
    """Every check of every component and command of an installed plugin.

    Args:
        plugin: its entry point's name; "toolkit" is plugin zero, the components in the box.
        options: by component, what its checks pass where the defaults do not do: a source's
            `root`, say. Backbones are built with `pretrained = False` unless this says otherwise.
        image_size: side of the images that backbones and augmentations get, pixels.

    Raises `UserError` where `options` name a component that the plugin does not have.
    """
    host = load_host({PLUGINS_VARIABLE: "" if plugin == BUILTIN else plugin})
    whole = Plugin(plugin, host)
    for check in PLUGIN_CHECKS:
        yield _check(whole, check)
    if not whole.loaded:
        return
    entries = [entry for entry in host.registry if entry.plugin == plugin]
    commands = [Registered(command) for command in host.commands if command.plugin == plugin]
    given = dict(options or {})
    for entry in entries:
        own = given.pop(f"{entry.kind}:{entry.name}", {})
        subject = Subject(entry, entry.name, own, image_size)
        for factory_check in FACTORY_CHECKS:
            yield _check(subject, factory_check)
        for member in [subject] if entry.names is None else _named_members(subject, given):
            yield _check(member, builds)
            for kind_check in kind_checks(entry.kind):
                yield _check(member, kind_check)
    for registered in commands:
        for command_check in command_checks.CHECKS:
            yield _check(registered, command_check)
    known = [f"{entry.kind}:{entry.name}" for entry in entries]
    _refuse_unknown("options", given, known)


def _named_members(family: Subject, given: dict[str, Mapping[str, Any]]) -> list[Subject]:
    """The members of a family that the author's options name; they are taken out of `given`."""
    kind = family.entry.kind
    asked = {key: key.partition(":")[2] for key in given if key.startswith(f"{kind}:")}
    names = set(family.entry.family_names()) if asked else set()
    return [
        replace(family, use=name, given=given.pop(key))
        for key, name in asked.items()
        if name in names
    ]


def kind_checks(kind: str) -> tuple[Callable[[Subject], None], ...]:
    """The checks of what a kind does. Imported when asked for: most need torch."""
    module = importlib.import_module(f"toolkit.testing.{kind}_checks")
    found: tuple[Callable[[Subject], None], ...] = module.CHECKS
    return found


def conformance(
    plugin: str,
    *,
    expected_failures: ExpectedFailures | None = None,
    options: Options | None = None,
    image_size: int = IMAGE_SIZE,
) -> Callable[[str, str], None]:
    """A pytest test of an installed plugin, parametrized over (component, check).

    Args:
        plugin, options, image_size: as for `checks`.
        expected_failures: by component and check, why it fails. Strict: one that passes, or
            that does not apply, fails the test.

    Raises `UserError` where pytest is missing, or a component or a check is not known.
    """
    try:
        import pytest
    except ModuleNotFoundError as error:
        raise UserError(
            'toolkit.testing.conformance needs pytest: pip install "recipe-toolkit[testing]"; '
            "toolkit.testing.checks does without"
        ) from error

    found = {
        (check.component, check.name): check
        for check in checks(plugin, options=options, image_size=image_size)
    }
    expected = _expected(expected_failures or {}, list(found))

    @pytest.mark.parametrize(("component", "check"), list(found))
    def test_conformance(component: str, check: str) -> None:
        reason = expected.get((component, check))
        outcome = _outcome(found[component, check])
        # Told out here: inside the `except`, pytest would show the whole chain, once an exception.
        if isinstance(outcome, NotApplicable):
            if reason is None:
                pytest.skip(str(outcome))
            text = f"expected to fail, but does not apply: {outcome}"
            pytest.fail(f"{component} {check}: {text}", pytrace=False)
        if isinstance(outcome, CheckFailed):
            if reason is not None:
                pytest.xfail(f"{reason} ({outcome})")
            docs = docs_of(component, check)
            pytest.fail(f"{outcome} ({docs}){_authors_frames(outcome)}", pytrace=False)
        if reason is not None:
            pytest.fail(
                f"{component} {check}: passes, though expected_failures names it ({reason}); "
                "remove it there",
                pytrace=False,
            )

    return test_conformance


def _outcome(check: Check) -> CheckFailed | NotApplicable | None:
    """How a check ended; None where it passed."""
    try:
        check.run()
    except (CheckFailed, NotApplicable) as outcome:
        return outcome
    return None


def section_of(component: str, check: str) -> str:
    """The heading of docs/reference/conformance.md below which a check stands."""
    kind = component.partition(":")[0]
    if kind != "command" and check in {known.__name__ for known in COMPONENT_CHECKS}:
        return "Every component"
    return kind.capitalize()


def docs_of(component: str, check: str) -> str:
    """Where the rule is explained: `docs/reference/conformance.md#every-component`."""
    return f"{RULES}#{section_of(component, check).lower().replace(' ', '-')}"


def _check(subject: Any, check: Callable[[Any], None]) -> Check:
    def run() -> None:
        where = f"{subject.component} {check.__name__}"
        try:
            with _own_randomness():
                check(subject)
        except NotApplicable:
            raise
        except CheckFailed as failure:
            raise CheckFailed(f"{where}: {failure}") from failure.__cause__
        # A component may raise anything at all; the rule says what it should have done.
        except Exception as error:
            rule = (inspect.getdoc(check) or "").partition("\n")[0]
            raise CheckFailed(f"{where}: raises {cause(error)}. The rule: {rule}") from error

    return Check(subject.component, check.__name__, run)


def _authors_frames(failure: CheckFailed) -> str:
    """Where the component raised: the frames of its author, without those of the host."""
    error: BaseException | None = failure.__cause__
    while isinstance(error, ToolkitError) and error.__cause__ is not None:
        error = error.__cause__
    if error is None or isinstance(error, ToolkitError):
        return ""
    every = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in every if not _of_the_host(frame.filename)] or every[-1:]
    return "\n\n" + "".join(traceback.format_list(frames)) + cause(error)


def _of_the_host(file: str) -> bool:
    """Whether a frame is toolkit's own, or Python's way from it to an imported module."""
    return (
        file.startswith("<frozen importlib")
        or Path(file).is_relative_to(HOST)
        or (Path(file) == Path(importlib.__file__))
    )


def _own_randomness() -> AbstractContextManager[Any]:
    """Checks seed torch as they like; the generator of the tests around them stays as it is."""
    torch = sys.modules.get("torch")
    return nullcontext() if torch is None else torch.random.fork_rng(devices=[])


def _expected(
    failures: ExpectedFailures, known: list[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """The expected failures by (component, check), every key of them held against the checks."""
    components = list(dict.fromkeys(component for component, _ in known))
    _refuse_unknown("expected_failures", failures, components)
    for component, reasons in failures.items():
        names = [name for owner, name in known if owner == component]
        _refuse_unknown(f'expected_failures["{component}"]', reasons, names)
        for name, reason in reasons.items():
            if not isinstance(reason, str) or not reason.strip():
                raise UserError(f'expected_failures["{component}"]["{name}"]: say why it fails')
    return {
        (c, name): reason for c, reasons in failures.items() for name, reason in reasons.items()
    }


def _refuse_unknown(where: str, given: Mapping[str, Any], known: list[str]) -> None:
    lines = [
        f'{where}: there is no "{key}".{did_you_mean(key, known)} Known: {", ".join(known)}'
        for key in given
        if key not in known
    ]
    if lines:
        raise UserError(*lines)
