"""Patches of labels, and classes as groups: what a table is before its folds are cut."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from toolkit.contracts import Table, ignore
from toolkit.data.check import check_plan_data
from toolkit.data.rare import table_for
from toolkit.errors import DataError
from toolkit.plugin.host import load_host
from toolkit.recipe.load import load_recipe
from toolkit.recipe.plan import Plan
from toolkit.recipe.planner import make_plan

HEAD = "id,from,to,reason,author,date\n"
Planned = Callable[..., Plan]


@pytest.fixture
def planned(tiny_recipe: Path) -> Planned:
    """`planned(patches, relabel)` is the plan of the tiny recipe with these labels."""
    plain = tiny_recipe.read_text()

    def plan(patches: Any = (), relabel: dict[str, str] | None = None, **more: Any) -> Plan:
        text = plain + f"\n[labels]\npatches = {[str(file) for file in patches]}\n"
        if relabel is not None:
            text += "[labels.relabel]\n"
            text += "".join(f'"{name}" = "{group}"\n' for name, group in relabel.items())
        tiny_recipe.write_text(text)
        host = load_host({"TOOLKIT_PLUGINS": ""})
        return make_plan(load_recipe(tiny_recipe, more, host), host)

    return plan


@pytest.fixture
def patch(tmp_path: Path) -> Callable[..., Path]:
    """`patch("page00.png,ticket,form,,,")` writes a patch of these rows."""

    def written(*rows: str, name: str = "labels.patch.csv", head: str = HEAD) -> Path:
        file = tmp_path / name
        file.write_text(head + "".join(f"{row}\n" for row in rows))
        return file

    return written


def labels_of(table: Table) -> dict[str, str]:
    return {
        i: table.classes[c] for i, c in zip(table.train["id"], table.train["label"], strict=True)
    }


def faults_of(plan: Plan, tmp_path: Path) -> tuple[str, ...]:
    with pytest.raises(DataError) as caught:
        check_plan_data(plan, table_for(plan, ignore), tmp_path / "cache", ignore)
    return caught.value.lines


def test_a_patch_changes_the_labels_that_it_names_and_no_other(
    planned: Planned, patch: Callable[..., Path]
) -> None:
    before = labels_of(table_for(planned(), ignore))
    file = patch("page00.png,ticket,form,blurred,Ann,2026-07-08", "page01.png,letter,ticket,,,")
    table = table_for(planned([file]), ignore)
    assert labels_of(table) == before | {"page00.png": "form", "page01.png": "ticket"}
    assert table.train["label"].dtype == "int64"
    assert table.problems == ()
    assert table.notes[-1] == f"{file}: 2 labels are patched (page00.png, page01.png)"
    (recorded,) = table.labels["patches"]
    assert (recorded["file"], recorded["rows"], len(recorded["sha256"])) == (str(file), 2, 64)


def test_all_mistakes_of_all_patches_are_told_at_once_with_file_and_line(
    planned: Planned, patch: Callable[..., Path], tmp_path: Path
) -> None:
    first = patch(
        "page00.png,letter,form,,,",  # a ticket
        "page99.png,ticket,form,,,",
        "page01.png,letter,tickets,,,",
        "test1.png,letter,form,,,",
        "page03.png,0,form,,,",
        "page06.png,ticket",
        "page09.png,,form,,,",
        "page12.png,ticket,form,,,",
    )
    second = patch("page12.png,ticket,letter,,,", name="second.csv")
    gone = tmp_path / "gone.csv"
    faults = faults_of(planned([first, second, gone]), tmp_path)
    assert faults == (
        f"{first}:7: 2 fields, expected 6 as in the first line",
        f"{first}:8: from empty",
        f"labels.patches: there is no file {gone}; paths start at the working folder",
        f'{first}:2: "page00.png" is "ticket", and not "letter" as the patch has it; take the row '
        "out",
        f'{first}:3: no training row has the ID "page99.png"',
        f'{first}:4: there is no class "tickets". Did you mean "ticket"?',
        f'{first}:5: no training row has the ID "test1.png"; it is a test image',
        f'{first}:6: there is no class "0"; a patch names classes: "ticket"',
        f'{second}:2: "page12.png" becomes "letter" from "ticket", but {first}:9 makes it "form" '
        'from "ticket"; keep one of the two',
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", ": is empty; its first line names the columns id, from, to, reason, author, date"),
        ("id,form,to\n", ':1: no column from; a patch has id, from, to, reason, author, date. Did '
         'you mean "form"?'),
        ("id,from,to,to\n", ":1: the column to stands twice"),
        ('id,from,to\na,"ticket,form\n', ":2: cannot be read as CSV: unexpected end of data"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_patch_says_why(
    text: str, fault: str, planned: Planned, tmp_path: Path
) -> None:
    file = tmp_path / "odd.csv"
    file.write_text(text)
    assert faults_of(planned([file]), tmp_path) == (f"{file}{fault}",)


def test_bytes_that_are_no_text_are_refused(planned: Planned, tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    file.write_bytes(b"id,from,to\n\xff\xfe,a,b\n")
    expected = f"{file}: is no UTF-8; save it as CSV in UTF-8"
    assert faults_of(planned([file]), tmp_path) == (expected,)


def test_spreadsheets_write_marks_semicolons_capitals_and_empty_lines(
    planned: Planned, tmp_path: Path
) -> None:
    file = tmp_path / "saved.csv"
    file.write_text("\ufeffID;From;To\r\n\r\npage00.png;ticket;form\r\n;;\r\n", encoding="utf-8")
    table = table_for(planned([file]), ignore)
    assert (labels_of(table)["page00.png"], table.problems) == ("form", ())


def test_a_later_patch_goes_on_from_what_an_earlier_one_made(
    planned: Planned, patch: Callable[..., Path]
) -> None:
    first = patch("page00.png,ticket,form,,,")
    again = patch("page00.png,ticket,form,,,", "page00.png,form,letter,,,", name="b.csv")
    files = [first, patch("page00.png,form,letter,,,", name="c.csv")]
    assert labels_of(table_for(planned(files), ignore))["page00.png"] == "letter"
    assert table_for(planned([first, first]), ignore).problems == ()  # they agree
    assert table_for(planned([again]), ignore).problems == (
        f'{again}:3: "page00.png" becomes "letter" from "form", but {again}:2 makes it "form" '
        'from "ticket"; keep one of the two',
    )


def test_patched_labels_are_other_data_and_a_patch_of_nothing_is_the_same(
    planned: Planned, patch: Callable[..., Path], tmp_path: Path
) -> None:
    def found(plan: Plan) -> str:
        table = table_for(plan, ignore)
        return plan.hash(check_plan_data(plan, table, tmp_path / "c", ignore).fingerprint)

    change = patch("page00.png,ticket,form,,,")
    moved = patch("page00.png,ticket,form,other words,,", name="moved.csv")
    nothing = patch("page00.png,ticket,ticket,fine,,", name="fine.csv")
    plain = found(planned())
    assert found(planned([change])) != plain
    assert found(planned([change])) == found(planned([moved]))
    assert found(planned([nothing])) == plain
    assert found(planned([], {"form": "letter"})) != plain


def test_what_was_made_from_a_row_follows_it_and_is_patched_with_it_alone(
    planned: Planned, patch: Callable[..., Path], documents: Path, tmp_path: Path
) -> None:
    lines = (documents / "train.csv").read_text().splitlines()
    rows = [f"{line},page00.png" if "page03" in line else f"{line}," for line in lines[1:]]
    table_file = documents / "made.csv"
    table_file.write_text("\n".join([f"{lines[0]},parent", *rows]) + "\n")
    own = {"data.train": "made.csv", "data.parent_column": "parent"}
    patched = table_for(planned([patch("page00.png,ticket,form,,,")], **own), ignore)
    assert labels_of(patched)["page03.png"] == "form"
    child = patch("page03.png,ticket,form,,,", name="child.csv")
    assert table_for(planned([child], **own), ignore).problems == (
        f'{child}:2: "page03.png" was made from "page00.png", whose label it has; patch that',
    )
    table_file.unlink()


def test_classes_become_groups_and_what_no_line_names_keeps_its_name(planned: Planned) -> None:
    table = table_for(planned([], {"letter": "paper", "form": "paper"}), ignore)
    assert table.classes == ("ticket", "paper")
    assert table.train["label"].value_counts().to_dict() == {0: 8, 1: 16}
    assert table.notes[-1] == (
        'labels.relabel: 3 classes are 2 groups ("paper" of 2 classes); 1 keep their names (ticket)'
    )
    assert table.submission is not None
    assert table.submission.labels == ("ticket", "paper")
    assert [row["group"] for row in table.labels["classes"]] == ["ticket", "paper", "paper"]


def test_a_star_stands_for_every_other_class(planned: Planned) -> None:
    table = table_for(planned([], {"ticket": "yes", "*": "no"}), ignore)
    assert table.classes == ("yes", "no")
    assert "keep their names" not in table.notes[-1]


def test_a_group_of_an_unknown_class_is_told_with_its_line(
    planned: Planned, tiny_recipe: Path
) -> None:
    table = table_for(planned([], {"ticket": "a", "lettre": "b"}), ignore)
    line = tiny_recipe.read_text().splitlines().index('"lettre" = "b"') + 1
    assert table.problems == (
        f'{tiny_recipe}:{line}: labels.relabel: there is no class "lettre". Did you mean "letter"?',
    )
    assert table.classes == ("ticket", "letter", "form")


def test_patches_speak_of_classes_or_of_the_groups_that_they_become(
    planned: Planned, patch: Callable[..., Path]
) -> None:
    groups = {"letter": "paper", "form": "paper"}
    classes = patch("page00.png,ticket,form,,,")
    named = patch("page00.png,ticket,paper,,,", "page01.png,paper,ticket,,,", name="groups.csv")
    mixed = patch("page01.png,letter,paper,,,", name="mixed.csv")
    assert labels_of(table_for(planned([classes], groups), ignore))["page00.png"] == "paper"
    table = table_for(planned([named], groups), ignore)
    found = labels_of(table)
    assert (found["page00.png"], found["page01.png"]) == ("paper", "ticket")
    assert table_for(planned([mixed], groups), ignore).problems == (
        f'{mixed}:2: "letter" and "paper" are a class and a group; name two of a kind',
    )


def test_probabilities_of_joined_classes_cannot_be_written_and_the_group_is(
    planned: Planned, documents: Path
) -> None:
    sample = documents / "shares.csv"
    sample.write_text("ID,ticket,letter,form\ntest0.png,0,0,0\ntest1.png,0,0,0\n")
    own = {"data.sample": "shares.csv"}
    alone = table_for(planned([], {"ticket": "receipt"}, **own), ignore).submission
    joined = table_for(planned([], {"letter": "paper", "form": "paper"}, **own), ignore)
    sample.unlink()
    assert alone is not None
    assert [(c.name, c.label) for c in alone.columns[1:]] == [
        ("ticket", 0),
        ("letter", 1),
        ("form", 2),
    ]
    assert joined.submission is not None
    assert [(c.name, c.means) for c in joined.submission.columns] == [
        ("ID", "id"),
        ("target", "label"),
    ]
    assert joined.submission.labels == ("ticket", "paper")
    assert joined.notes[-1].startswith(
        "the sample wants probabilities of classes that are joined (letter, form), which cannot be "
        "written; submission.csv has ID and target, the group"
    )
