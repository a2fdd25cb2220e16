"""Sources in the box: the competition's tables, and one folder a class."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from toolkit.builtin.archived import Archived
from toolkit.builtin.class_folders import TEST, TRAIN, VALID
from toolkit.builtin.folder_source import NUMBERED, Folder
from toolkit.builtin.handed import Handed
from toolkit.builtin.table_source import META, Csv
from toolkit.files.archives import is_archive

Root = Annotated[str, Field(description="folder of the data, or a .zip or .tar archive of it")]
Optional = str | None
Names = list[str] | None
Leave = Annotated[
    Names, Field(description='folders and files that are left out, by name: "masks", "*_mask.*"')
]
Header = bool | Literal["auto"]


def csv(
    *,
    root: Root,
    train: Annotated[str, Field(description="table of the training images")] = "train.csv",
    meta: Annotated[str, Field(description="table of the classes; optional file")] = META,
    sample: Annotated[
        str, Field(description="table whose form, IDs and order the submission has; optional file")
    ] = "sample_submission.csv",
    train_images: Annotated[
        str, Field(description='folder of the training images; ".": anywhere below root')
    ] = "train",
    test_images: Annotated[
        str, Field(description='folder of the test images; ".": anywhere below root')
    ] = "test",
    id_column: Annotated[str, Field(description="column with the image's file name")] = "ID",
    target_column: Annotated[str, Field(description="column with the label")] = "target",
    name_column: Annotated[str, Field(description="meta's column of class names")] = "class_name",
    group_column: Annotated[
        Optional, Field(description="rows with the same value stay in one fold")
    ] = None,
    parent_column: Annotated[
        Optional, Field(description="ID of the image that a row was made from; empty: none")
    ] = None,
    suffix: Annotated[str, Field(description='appended to an ID to name its file: ".jpg"')] = "",
    encoding: Annotated[
        str, Field(description='of the tables: "utf-8", "cp949"; auto: looked for, and told')
    ] = "auto",
    separator: Annotated[
        str, Field(description='between the fields of a line: ";"; auto: looked for, and told')
    ] = "auto",
    header: Annotated[
        Header,
        Field(description="whether a first line names the columns; else they are column_1, ..."),
    ] = "auto",
    label_columns: Annotated[
        Names, Field(description="0/1 columns, one a class, instead of target_column")
    ] = None,
    sample_id_column: Annotated[
        Optional, Field(description="the sample's ID column, where it has another name")
    ] = None,
    split_column: Annotated[
        Optional, Field(description="column that says which split a row belongs to")
    ] = None,
    valid_values: Annotated[
        Names, Field(description="its values that mean validation; none: val, valid, ...")
    ] = None,
    test_values: Annotated[
        Names, Field(description="its values that mean test; none: test, testing, ...")
    ] = None,
    positive: Annotated[
        Optional, Field(description="class whose probability a sample of one probability wants")
    ] = None,
    combinations: Annotated[
        bool, Field(description="train each combination of labels (`a|b`) as a class of its own")
    ] = False,
    leave: Leave = None,
    valid: Annotated[
        str,
        Field(
            description="table of validation images with the columns of train, joined to training, "
            'or used as split.given says; "": none'
        ),
    ] = "",
    valid_images: Annotated[
        str, Field(description='folder of its images; "": that of the training images')
    ] = "",
) -> Csv | Archived:
    """A competition's layout: `train.csv` (ID, target), `meta.csv` (target, class name),
    `sample_submission.csv`, and the image folders `train/` and `test/`. Tables may be CSV and its
    kin, JSON, JSON lines or parquet."""
    source = Csv(**locals())
    return Archived(source) if is_archive(root) else source


def folder(
    *,
    root: Root,
    train: Annotated[
        str, Field(description="folder with one sub-folder a class; where missing, root itself")
    ] = TRAIN,
    valid: Annotated[
        str,
        Field(
            description="class folders of a validation split, joined to training, or used as "
            'split.given says; "": none'
        ),
    ] = VALID,
    test: Annotated[str, Field(description='folder of test images; optional; "": none')] = TEST,
    labels: Annotated[
        Literal["folders", "names"], Field(description="what says an image's class")
    ] = "folders",
    pattern: Annotated[
        str, Field(description="regular expression of file names, with a group `label`")
    ] = NUMBERED,
    sample: Annotated[
        str, Field(description="table whose form, IDs and order the submission has; optional file")
    ] = "sample_submission.csv",
    sample_id_column: Annotated[
        Optional, Field(description="the sample's ID column; none: its first")
    ] = None,
    positive: Annotated[
        Optional, Field(description="class whose probability a sample of one probability wants")
    ] = None,
    groups: Annotated[
        Optional, Field(description="table that says which images belong together")
    ] = None,
    group_column: Annotated[
        Optional, Field(description="its column whose rows with the same value stay in one fold")
    ] = None,
    id_column: Annotated[
        Optional, Field(description="its column of file names; none: the one that names images")
    ] = None,
    encoding: Annotated[str, Field(description='of the tables: "utf-8", "cp949"')] = "auto",
    separator: Annotated[str, Field(description='between the fields of a line: ";"')] = "auto",
    leave: Leave = None,
) -> Folder | Archived:
    """One sub-folder a class, in `root/train/` or in `root` itself, and an optional `test/`.
    Splits are found in any wording, at most one folder further in."""
    source = Folder(**locals())
    return Archived(source) if is_archive(root) else source


def table(
    *,
    path_column: Annotated[str, Field(description="column with the paths of the images")] = "path",
    target_column: Annotated[str, Field(description="column with the label")] = "label",
    label_columns: Annotated[
        Names, Field(description="0/1 columns, one a class, instead of target_column")
    ] = None,
    id_column: Annotated[
        Optional, Field(description="column that names the rows; none: path_column")
    ] = None,
    group_column: Annotated[
        Optional, Field(description="rows with the same value stay in one fold")
    ] = None,
    parent_column: Annotated[
        Optional, Field(description="ID of the row that a row was made from; empty: none")
    ] = None,
    split_column: Annotated[
        Optional, Field(description="column that says which split a row belongs to")
    ] = None,
    combinations: Annotated[
        bool, Field(description="train each combination of labels (`a|b`) as a class of its own")
    ] = False,
    root: Annotated[
        str, Field(description='folder that the paths start from; "": the working directory')
    ] = "",
    rows: Annotated[int, Field(ge=0, description="rows that were handed over, for the record")] = 0,
    test_rows: Annotated[int, Field(ge=0, description="and test rows")] = 0,
) -> Handed:
    """Rows that are handed over in Python: `toolkit.run(recipe, table=frame)` writes this section.
    They lie in no file, so that they are handed over again whenever the recipe is run."""
    labels = csv(
        root="",
        train="",
        meta="",
        sample="",
        id_column=id_column or path_column,
        target_column=target_column,
        label_columns=label_columns,
        group_column=group_column,
        parent_column=parent_column,
        split_column=split_column,
        combinations=combinations,
    )
    assert isinstance(labels, Csv)
    return Handed(root, path_column, labels)
