"""`tune.html`: a study on one page that loads nothing."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from toolkit.plugin.schema import toml_text
from toolkit.report.page import seconds_text
from toolkit.runs.atomic import write_text
from toolkit.tune.few_folds import again
from toolkit.tune.plots import plots
from toolkit.tune.space import tried
from toolkit.tune.study import Study


def draw_page(study: Study, facts: Mapping[str, Any]) -> None:
    """Write the study's `tune.html`."""
    write_text(study.folder.page, page_text(study, facts))


def page_text(study: Study, facts: Mapping[str, Any]) -> str:
    """The page as text; the same trials give the same bytes."""
    from toolkit.tune.best import summary

    environment = Environment(
        loader=DictLoader(
            {"page": files("toolkit.tune").joinpath("page.html.jinja").read_text(encoding="utf-8")}
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["seconds"] = seconds_text
    environment.filters["toml"] = toml_text
    environment.filters["tried"] = tried
    css = files("toolkit.report").joinpath("page.css").read_text(encoding="utf-8")
    lines = [] if facts["winner"] is None else summary(facts["objective"], facts)
    drawn = plots(study.search, study.space, facts["importance"])
    return environment.get_template("page").render(
        css=Markup(css),
        folder=study.folder.path.name,
        facts=facts,
        again=again(facts["given"]),
        lines=lines,
        best=study.folder.best.read_text(encoding="utf-8") if lines else "",
        plots=[(plot, _data_uri(plot.svg)) for plot in drawn],
        paths=[parameter.path for parameter in study.space.parameters],
    )


def _data_uri(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
