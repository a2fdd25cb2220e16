"""`toolkit plugins`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.errors import PluginError, UserError, did_you_mean

if TYPE_CHECKING:
    from toolkit.plugin.host import Host

app = typer.Typer(help="Registered components: list or explain them.", invoke_without_command=True)


@app.callback()
def list_components(
    context: typer.Context,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Load everything that plugins offer, build it with its defaults, and say what is "
            "wrong.",
        ),
    ] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Leave a plugin out; repeatable. TOOLKIT_WITHOUT=NAME,NAME does so for every "
            "command, and TOOLKIT_PLUGINS=NAME,NAME loads these alone.",
        ),
    ] = None,
) -> None:
    """List every component, and every plugin that was set aside."""
    if context.invoked_subcommand is not None:
        return
    host = _host_without(without or [])
    checked = None
    if check:
        from toolkit.cli.plugin_check import check_plugins
        from toolkit.cli.plugin_commands import own_commands

        checked = check_plugins(host, own_commands(context))
    if json_:
        from toolkit.cli.plugin_json import plugins_json

        typer.echo(plugins_json(host, checked))
        if checked is not None and checked.problems:
            raise typer.Exit(PluginError.exit_code)
    elif checked is None:
        _list(host)
    elif checked.problems:
        raise PluginError(*checked.problems)
    else:
        from toolkit.cli.plugin_check import summary

        typer.echo(summary(host, checked.untried))


def _host_without(names: list[str]) -> Host:
    """The host without some plugins. Raises `UserError` where there is none of a name."""
    import os

    from toolkit.plugin.host import WITHOUT_VARIABLE, listed, load_host

    asked = (listed(os.environ, WITHOUT_VARIABLE) or set()) | set(names)
    host = load_host({**os.environ, WITHOUT_VARIABLE: ",".join(sorted(asked))})
    known = [plugin.plugin for plugin in host.loaded]
    known += [aside.plugin for aside in (*host.left_out, *host.set_aside)]
    missing = {aside.plugin for aside in host.set_aside if aside.package == "not installed"}
    unknown = [name for name in names if name in missing]
    if unknown:
        known = [name for name in known if name not in missing]
        raise UserError(
            *(
                f'--without {name}: there is no plugin "{name}".{did_you_mean(name, known)}'
                for name in unknown
            )
        )
    return host


def _list(host: Host) -> None:
    from toolkit.cli.console import print_table
    from toolkit.plugin.host import WITHOUT_VARIABLE

    rows = [(e.kind, e.name, f"{e.package} {e.version}", e.help) for e in host.registry]
    rows += [("command", c.full_name, f"{c.package} {c.version}", c.help) for c in host.commands]
    print_table(("kind", "name", "from", "what it does"), rows)
    for aside in host.set_aside:
        typer.echo(f"set aside: {aside.plugin} ({aside.package}): {aside.reason}")
    for out in host.left_out:
        if out.reason.startswith(WITHOUT_VARIABLE):  # the other variable leaves out by not naming
            typer.echo(f"left out: {out.plugin} ({out.package})")
    for plugin in host.loaded:
        if plugin.warning is not None:
            typer.echo(f"warning: {plugin.plugin} ({plugin.package}): {plugin.warning}")


@app.command("show")
def show(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[KIND] NAME",
            help="The component, as a recipe names it; its kind where two share a name.",
        ),
    ],
) -> None:
    """Explain a component: its options with types, bounds, defaults and meaning."""
    import inspect

    from toolkit.cli.console import print_table
    from toolkit.plugin.host import load_host
    from toolkit.plugin.registry import KINDS
    from toolkit.plugin.schema import options, options_model

    host = load_host()
    kind, name = _asked(words, host)
    if kind not in KINDS:
        raise UserError(
            f'there is no kind "{kind}".{did_you_mean(kind, KINDS)} Kinds: {", ".join(KINDS)}'
        )
    entry, family = host.registry.get(kind, name), host.registry.family(kind)
    if (
        entry is None
        and family is not None
        and name in [*family.family_names(), *family.family_aliases()]
    ):
        entry = family
    if entry is None:
        names = host.registry.names(kind)
        why = host.reason_for(name) if "." in name else None
        text = f"its plugin was set aside: {why}" if why else did_you_mean(name, names).strip()
        raise UserError(f'there is no {kind} "{name}". {text}'.rstrip())
    typer.echo(f"{entry.kind} {entry.name}, from {entry.package} {entry.version}")
    typer.echo(f"\n{inspect.getdoc(entry.load()) or entry.help}\n")
    rows = [(o.name, o.type, o.bounds, o.default, o.meaning) for o in options(options_model(entry))]
    if rows:
        print_table(("option", "type", "bounds", "default", "meaning"), rows)
    else:
        typer.echo("It has no options.")


def _asked(words: list[str], host: Host) -> tuple[str, str]:
    """Kind and name. A name alone is looked up; one that nobody registered may be timm's."""
    if len(words) > 2:
        raise UserError("name one component: toolkit plugins show [KIND] NAME")
    if len(words) == 2:
        return words[0], words[1]
    from toolkit.plugin.registry import KINDS

    (name,) = words
    kinds = [entry.kind for entry in host.registry if entry.name == name]
    if len(kinds) == 1:
        return kinds[0], name
    if kinds:
        raise UserError(
            f"{name} is {' and '.join(kinds)}; say which: toolkit plugins show {kinds[0]} {name}"
        )
    if name in KINDS:
        known = [entry.name for entry in host.registry if entry.kind == name and not entry.names]
        raise UserError(f"name a {name}, too: {', '.join(known)}")
    names = [entry.name for entry in host.registry if not entry.names]
    family = host.registry.family("backbone")
    if "." not in name and family is not None:
        if name in [*family.family_names(), *family.family_aliases()]:
            return "backbone", name
        names += family.family_names()
    why = host.reason_for(name)
    text = f"its plugin was set aside: {why}" if why else did_you_mean(name, names).strip()
    raise UserError(f'there is no component "{name}". {text}'.rstrip())


@app.command("new")
def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The plugin's name: `acme` in `acme.poly`.")],
    loss: Annotated[
        bool, typer.Option("--loss", help="With a loss (so without any flag).")
    ] = False,
    backbone: Annotated[bool, typer.Option("--backbone", help="With a backbone.")] = False,
    augmentation: Annotated[
        bool, typer.Option("--augmentation", help="With an augmentation.")
    ] = False,
    ensembler: Annotated[bool, typer.Option("--ensembler", help="With an ensembler.")] = False,
    metric: Annotated[bool, typer.Option("--metric", help="With a metric.")] = False,
    sampler: Annotated[bool, typer.Option("--sampler", help="With a sampler.")] = False,
    source: Annotated[bool, typer.Option("--source", help="With a source.")] = False,
    tracker: Annotated[bool, typer.Option("--tracker", help="With a tracker.")] = False,
    executor: Annotated[bool, typer.Option("--executor", help="With an executor.")] = False,
    command: Annotated[bool, typer.Option("--command", help="With a command.")] = False,
) -> None:
    """Make the package of a new plugin in ./NAME-plugin: examples, their test, a README, a licence
    and a workflow that tests."""
    from pathlib import Path

    from toolkit.cli.plugin_commands import own_commands
    from toolkit.cli.scaffold.package import new_package
    from toolkit.cli.scaffold.project import git_author
    from toolkit.cli.scaffold.texts import DRAWN
    from toolkit.plugin.host import load_host

    asked = {
        "loss": loss,
        "backbone": backbone,
        "augmentation": augmentation,
        "ensembler": ensembler,
        "metric": metric,
        "sampler": sampler,
        "source": source,
        "tracker": tracker,
        "executor": executor,
        "command": command,
    }
    kinds = [kind for kind, chosen in asked.items() if chosen] or ["loss"]
    host = load_host()
    drawn = host.registry.get("source", DRAWN) is not None
    folder = new_package(
        name,
        kinds,
        _taken_names(host, own_commands(context)),
        Path(),
        drawn=drawn,
        author=git_author(),
    )
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        typer.echo(file)
    typer.echo(f'Next: pip install -e "./{folder}[test]", then python -m pytest {folder}')


def _taken_names(host: Host, own: list[str]) -> dict[str, str]:
    """Plugin names that a new plugin cannot have, with who has them."""
    from toolkit.plugin.api import BUILTIN
    from toolkit.plugin.host import PACKAGE

    # A plugin of that name could not add a command: ours is looked up first.
    taken = {name: f"the command `toolkit {name}`" for name in own}
    taken |= {aside.plugin: aside.package for aside in host.set_aside}
    taken |= {plugin.plugin: plugin.package for plugin in host.loaded}
    return taken | {BUILTIN: PACKAGE}
