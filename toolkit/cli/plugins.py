"""`toolkit plugins`."""

from __future__ import annotations

from typing import Annotated

import typer

from toolkit.errors import UserError

app = typer.Typer(help="Registered components: list or explain them.", invoke_without_command=True)


@app.callback()
def list_components(context: typer.Context) -> None:
    """List every component, and every plugin that was set aside."""
    if context.invoked_subcommand is not None:
        return
    from toolkit.cli.console import print_table
    from toolkit.plugin.host import load_host

    host = load_host()
    rows = [(e.kind, e.name, f"{e.package} {e.version}", e.help) for e in host.registry]
    rows += [("command", c.full_name, f"{c.package} {c.version}", c.help) for c in host.commands]
    print_table(("kind", "name", "from", "what it does"), rows)
    for aside in host.set_aside:
        typer.echo(f"set aside: {aside.plugin} ({aside.package}): {aside.reason}")


@app.command("show")
def show(
    kind: Annotated[str, typer.Argument(help="loss, backbone, augmentation, ...")],
    name: Annotated[str, typer.Argument(help="The component, as a recipe names it.")],
) -> None:
    """Explain a component: its options with types, bounds, defaults and meaning."""
    import inspect

    from toolkit.cli.console import print_table
    from toolkit.plugin.host import load_host
    from toolkit.plugin.registry import KINDS
    from toolkit.plugin.schema import options, options_model
    from toolkit.recipe.problems import did_you_mean

    host = load_host()
    if kind not in KINDS:
        raise UserError(
            f'there is no kind "{kind}".{did_you_mean(kind, KINDS)} Kinds: {", ".join(KINDS)}'
        )
    entry, family = host.registry.get(kind, name), host.registry.family(kind)
    if entry is None and family is not None and name in family.family_names():
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
