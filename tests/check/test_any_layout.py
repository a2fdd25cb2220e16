"""Layouts drawn from a grammar with a known truth: what is read is the truth, or nothing is."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from toolkit.check.survey import survey
from toolkit.contracts import Table
from toolkit.errors import DataError


def _bytes(suffix: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 6), (200, 90, 30)).save(file, format=Image.registered_extensions()[suffix])
    return file.getvalue()


SUFFIXES = (".jpg", ".png", ".webp", ".jfif", ".ppm")
PIXELS = {suffix: _bytes(suffix) for suffix in SUFFIXES}

CLASSES = (
    ("cat", "dog"),
    ("0", "1", "2"),
    ("01", "02"),
    ("고양이", "개"),
    ("grey wolf", "red fox", "polar bear"),
    ("None", "NA"),
    ("Ångström", "naïve"),
)
LABELS = (
    "label",
    "Labels",
    "target",
    "class id",
    "Breed",
    "diagnosis",
    "category",
    "Species",
    "dx",
)
IDS = ("id", "image", "file_name", "img", "image_id", "path", "Photo")
TABLES = ("train.csv", "labels.csv", "metadata.csv", "annotations/train.csv", "data.tsv")
# What stands beside the labels: its name, and its value in a row.
BESIDE = {
    "fold": lambda k, rng: k % 3,
    "sex": lambda k, rng: ("male", "female")[k * 7 % 3 % 2],
    "age": lambda k, rng: 30 + 5 * rng.randrange(4),
    "weight": lambda k, rng: round(rng.uniform(1, 2), 3),
    "season": lambda k, rng: rng.choice(("Fall", "Summer")),
    "width": lambda k, rng: rng.choice((640, 480)),
    "version": lambda k, rng: 1,
    "serial": lambda k, rng: f"s{k:04d}",
    "brightness": lambda k, rng: round(rng.random(), 4),
}
ENTRIES = ("name", "stem", "from root", "./", "backslash", "upper")
JUNK = {
    ".DS_Store": b"\0\0\0\1Bud1",
    "Thumbs.db": b"\xd0\xcf\x11\xe0",
    "__MACOSX/train/._a.jpg": b"\0\5\x16\7",
    ".ipynb_checkpoints/a-checkpoint.jpg": PIXELS[".jpg"],
    "README.txt": b"Nothing, to see; here\n",
    "broken.csv": b'a,"b\n1,2\n\xff\xfe',
    "empty.csv": b"",
    "prices.csv": b"item,price\nbolt,1\nnut,2\n",
    "about.csv": b"caf\xe9,1\n",
    "config.json": b'{"size": 3, "deep": {"x": [1, 2]}}',
}
# What stands beside the images: made from them, the same again, or said otherwise.
COMPANY = (
    *("masks", "masks by folder", "masks by suffix", "masks inside", "thumbnails"),
    *("again by folder", "again", "rival", "less", "link outside", "link again", "loop"),
)
TRAIN, VALID, TEST = (
    ("train", "Training", "train_set", "TRAIN"),
    ("val", "valid", "Validation"),
    ("test", "Test", "testing"),
)


@dataclass
class Truth:
    """What a person would say of a layout."""

    labels: dict[str, str] = field(default_factory=dict)  # of each training image, below the root
    groups: dict[str, str] = field(default_factory=dict)
    test: set[str] = field(default_factory=set)
    open: bool = False  # a person would have to ask, too


@dataclass(frozen=True)
class Layout:
    """A draw of the grammar."""

    seed: int
    kind: str
    classes: Sequence[str]
    count: int
    suffixes: Sequence[str]
    label: str
    id: str
    table: str
    beside: Sequence[str]
    group: str | None
    entry: str
    place: str
    separator: str
    encoding: str
    form: str
    spaces: bool
    header: bool
    junk: Sequence[str]
    sample: str | None
    wording: int
    wrapped: bool
    valid: bool
    tested: bool
    company: Sequence[str]
    base: str


LAYOUTS = st.builds(
    Layout,
    seed=st.integers(0, 10_000),
    kind=st.sampled_from(
        ("table", "table", "table", "one hot", "folders", "folders", "names", "coco")
    ),
    classes=st.sampled_from(CLASSES),
    count=st.integers(12, 24),
    suffixes=st.lists(st.sampled_from(SUFFIXES), min_size=1, max_size=3, unique=True),
    label=st.sampled_from(LABELS),
    id=st.sampled_from(IDS),
    table=st.sampled_from(TABLES),
    beside=st.lists(st.sampled_from(sorted(BESIDE)), max_size=4, unique=True),
    group=st.sampled_from((None, None, "patient_id", "lesion", "Subject ID")),
    entry=st.sampled_from(ENTRIES),
    place=st.sampled_from(("train", "images", "train_images", "", "parts", "by class", "a/b")),
    separator=st.sampled_from((",", ",", ";", "\t", "|")),
    encoding=st.sampled_from(("utf-8", "utf-8", "utf-8-sig", "utf-16", "cp949", "latin-1")),
    form=st.sampled_from(("csv", "csv", "csv", "csv", "json", "jsonl", "parquet", "map")),
    spaces=st.booleans(),
    header=st.sampled_from((True, True, True, True, False)),
    junk=st.lists(st.sampled_from(sorted(JUNK)), max_size=3, unique=True),
    sample=st.sampled_from((None, "label", "constant", "columns", "half")),
    wording=st.integers(0, 11),
    wrapped=st.booleans(),
    valid=st.booleans(),
    tested=st.booleans(),
    company=st.lists(st.sampled_from(COMPANY), max_size=2, unique=True),
    base=st.sampled_from(("", "", "", "", "data/", "dataset/v1/")),
)


def put(root: Path, name: str) -> str:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(PIXELS[os.path.splitext(name)[1]])
    return name


def draw(layout: Layout, root: Path) -> Truth:
    rng = random.Random(layout.seed)
    base = root / layout.base
    base.mkdir(parents=True, exist_ok=True)
    for name in layout.junk:
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_bytes(JUNK[name])
    drawn = {"folders": draw_folders, "names": draw_names, "coco": draw_coco}
    truth = drawn.get(layout.kind, draw_table)(layout, base, rng)
    for company in layout.company:
        draw_company(company, layout, base, truth)
    if layout.base == "dataset/v1/":
        truth.open = True  # one folder around everything is usual, two are not
    head = layout.base
    return Truth(
        {head + name: label for name, label in truth.labels.items()},
        {head + name: group for name, group in truth.groups.items()},
        {head + name for name in truth.test},
        truth.open,
    )


def draw_company(company: str, layout: Layout, root: Path, truth: Truth) -> None:
    names = sorted(truth.labels)
    tops = {name.partition("/")[0] for name in names if "/" in name}
    if company == "masks":
        for name in names:
            put(root, f"masks/{stem(name)}.png")
    if company == "masks by folder":
        for name in names:
            put(root, f"masks/{name.rpartition('.')[0]}.png")
    if company == "masks by suffix":
        for name in names:
            put(root, f"{name.rpartition('.')[0]}_mask.png")
    if company == "thumbnails":
        for name in names:
            put(root, f"thumbnails/{name}")
    if company == "again":
        truth.open = True
        for name in names:
            put(root, f"size_64/{name.rpartition('/')[2]}")
    if company == "again by folder":
        truth.open = True
        for name in names:
            put(root, f"size_64/{name}")
    if layout.kind == "names" and company in ("rival", "less"):
        return  # a table says more than names
    if company == "rival" and layout.kind == "folders" and len(layout.company) > 1:
        return  # where folders are no clear classes, a table says more, too
    if company == "rival" or (company == "less" and layout.kind != "folders"):
        truth.open = truth.open or company == "rival"
        count = len(names) if company == "rival" else len(names) // 2
        rows = [(name.rpartition("/")[2], truth.labels[name]) for name in names[:count]]
        if company == "rival":
            rows = [(name, "odd" if k % 3 else "even") for k, (name, _) in enumerate(rows)]
        column = layout.label if layout.kind == "table" else "label"
        pd.DataFrame(rows, columns=["id", column]).to_csv(root / "other.csv", index=False)
    if company == "link outside" and tops:
        away = Path(tempfile.mkdtemp(prefix="away")) / "images"
        shutil.move(root / min(tops), away)
        (root / min(tops)).symlink_to(away, target_is_directory=True)
    if company == "link again" and tops:
        (root / "latest").symlink_to(root / min(tops), target_is_directory=True)
    if company == "loop" and tops:
        (root / min(tops) / "up").symlink_to(root, target_is_directory=True)


def draw_coco(layout: Layout, root: Path, rng: random.Random) -> Truth:
    truth = Truth()
    places = [TRAIN[layout.wording % 4]] + [VALID[layout.wording % 3]] * layout.valid
    for number, place in enumerate(places):
        images, annotations = [], []
        for k in range(layout.count):
            inner = "sub/" if layout.wrapped else ""
            name = f"{place}/{inner}im{number}{k:03d}{layout.suffixes[k % len(layout.suffixes)]}"
            put(root, name)
            told = {"name": f"{inner}{stem(name)}.jpg", "from root": name}
            file = told.get(layout.entry, f"{inner}{name.rpartition('/')[2]}")
            images.append({"id": 10 + k, "file_name": file, "width": 8, "height": 6})
            if k % 7 == 6:
                continue  # without an annotation
            kind = k % len(layout.classes)
            truth.labels[name] = layout.classes[kind]
            for box in range(1 + k % 2):
                annotations.append(
                    {"id": 2 * k + box, "image_id": 10 + k, "category_id": kind, "bbox": [1, 2, 3]}
                )
        kinds = [{"id": n, "name": c} for n, c in enumerate(layout.classes)]
        value = {"images": images, "annotations": annotations, "categories": kinds}
        word = ("train", "val")[number]
        form = (f"annotations/instances_{word}2017.json", f"{word}.json", f"{place}/_coco.json")
        file = root / form[layout.wording % 3]
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(value))
    truth.groups = {name: name for name in truth.labels}
    return truth


def stem(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[0]


def draw_folders(layout: Layout, root: Path, rng: random.Random) -> Truth:
    truth = Truth()
    base = "data/" if layout.wrapped else ""
    split = layout.valid or layout.tested or layout.wrapped
    places = [TRAIN[layout.wording % 4] if split else ""]
    places += [VALID[layout.wording % 3]] if layout.valid else []
    rows = []
    for number, place in enumerate(places):
        for k in range(layout.count):
            label = layout.classes[k % len(layout.classes)]
            suffix = layout.suffixes[k % len(layout.suffixes)]
            inside = "images" if "masks inside" in layout.company else ""
            if inside:
                put(
                    root,
                    base + "/".join(p for p in (place, label, f"masks/im{number}{k:03d}.png") if p),
                )
            name = "/".join(p for p in (place, label, inside, f"im{number}{k:03d}{suffix}") if p)
            truth.labels[put(root, base + name)] = label
            rows.append((base + name, f"g{k // 4 * 4 % 12}"))
    if layout.tested:
        place = base + TEST[layout.wording % 3]
        deep = layout.wording % 2
        for k in range(5):
            inner = f"{layout.classes[k % len(layout.classes)]}/" if deep else ""
            truth.test.add(put(root, f"{place}/{inner}t{k}.jpg"))
    truth.groups = {name: name for name in truth.labels}
    if layout.group is not None:
        truth.groups = dict(rows)
        frame = pd.DataFrame([(n.rpartition("/")[2], g) for n, g in rows])
        frame.columns = [layout.id, layout.group]
        frame.to_csv(root / "list.csv", index=False)
    return truth


def draw_names(layout: Layout, root: Path, rng: random.Random) -> Truth:
    truth = Truth()
    place = TRAIN[layout.wording % 4]
    between = (".", "_", " ", "-")[layout.wording % 4]
    labels = ("cat", "dog") if layout.classes[0][-1].isdigit() else layout.classes
    for k in range(layout.count):
        label, suffix = labels[k % len(labels)], layout.suffixes[k % len(layout.suffixes)]
        truth.labels[put(root, f"{place}/{label}{between}{k}{suffix}")] = label
    if layout.tested:
        for k in range(5):
            truth.test.add(put(root, f"{TEST[layout.wording % 3]}/{k}.jpg"))
    truth.groups = {name: name for name in truth.labels}
    return truth


def draw_table(layout: Layout, root: Path, rng: random.Random) -> Truth:
    truth = Truth()
    rows: list[dict[str, object]] = []
    classes = layout.classes
    if layout.encoding == "cp949":
        classes = ("고양이", "개")
    if layout.encoding == "latin-1":
        classes = ("bête", "naïve")
    for k in range(layout.count):
        label = classes[k % len(classes)]
        suffix = layout.suffixes[k % len(layout.suffixes)]
        inner = {"parts": f"part_{k % 2 + 1}", "by class": f"images/c{classes.index(label)}"}
        place = inner.get(layout.place, layout.place)
        name = put(root, f"{place}/im{k:04d}{suffix}".lstrip("/"))
        truth.labels[name] = label
        row: dict[str, object] = {layout.id: entry(layout.entry, name)}
        if layout.kind == "one hot":
            row |= {f"is {c}" if c.isdigit() else c: int(c == label) for c in classes}
        else:
            row[layout.label] = label + " " * (layout.spaces and k % 5 == 0)
        row |= {column: BESIDE[column](k, rng) for column in layout.beside}
        truth.groups[name] = name
        if layout.group is not None:
            truth.groups[name] = row[layout.group] = f"g{k // 4 * 4 % 12}"
        rows.append(row)
    if layout.kind == "one hot":
        names = {c: f"is {c}" if c.isdigit() else c for c in classes}
        truth.labels = {name: names[label] for name, label in truth.labels.items()}
    columns = list(rows[0])
    rng.shuffle(columns)
    frame = pd.DataFrame(rows)[columns].astype(str)
    write_table(layout, root, frame)
    if layout.tested:
        place = layout.place if layout.wording % 5 == 0 and layout.place == "images" else "test"
        names = [put(root, f"{place}/t{k}{layout.suffixes[0]}") for k in range(5)]
        truth.test = set(names)
        if layout.sample is None and place != "test":
            truth.test = set()
        if layout.sample is not None:
            write_sample(layout, root, names, classes)
    return truth


def entry(form: str, name: str) -> str:
    base = name.rpartition("/")[2]
    return {
        "name": base,
        "stem": base.rpartition(".")[0],
        "from root": name,
        "./": f"./{name}",
        "backslash": name.replace("/", "\\"),
        "upper": base.upper(),
    }[form]


def write_table(layout: Layout, root: Path, frame: pd.DataFrame) -> None:
    file = root / layout.table
    file.parent.mkdir(parents=True, exist_ok=True)
    if layout.form == "json":
        file.with_suffix(".json").write_text(json.dumps(frame.to_dict("records")))
    elif layout.form == "jsonl":
        lines = [json.dumps(record) for record in frame.to_dict("records")]
        file.with_suffix(".jsonl").write_text("\n".join(lines) + "\n")
    elif layout.form == "parquet":
        frame.to_parquet(file.with_suffix(".parquet"))
    elif layout.form == "map" and layout.kind == "table" and layout.group is None:
        pairs = dict(zip(frame[layout.id], frame[layout.label], strict=True))
        file.with_suffix(".json").write_text(json.dumps(pairs))
    else:
        header = layout.header or len(frame.columns) > 2
        text = frame.to_csv(index=False, sep=layout.separator, header=header)
        file.write_bytes(text.encode(layout.encoding))


def write_sample(layout: Layout, root: Path, names: Sequence[str], classes: Sequence[str]) -> None:
    hot = layout.kind == "one hot"
    wanted = [f"is {c}" if hot and c.isdigit() else c for c in classes]
    rows: list[dict[str, object]] = []
    for k, name in enumerate(reversed(names)):
        row: dict[str, object] = {layout.id: entry(layout.entry, name)}
        if layout.sample == "columns":
            row |= dict.fromkeys(wanted, 1 / len(wanted))
        elif layout.sample == "half":
            row[layout.label] = 0.5
        else:
            row[layout.label] = wanted[k % len(wanted) if layout.sample == "label" else 0]
        rows.append(row)
    name = ("sample_submission.csv", "sampleSubmission.csv", "sample.csv")[layout.wording % 3]
    pd.DataFrame(rows).to_csv(root / name, index=False)


def check(table: Table, truth: Truth, root: Path) -> None:
    """What was read is the truth."""
    train = table.train
    below = [file_of(path) for path in train["path"]]
    truth = Truth(
        {file_of(root / name): label for name, label in truth.labels.items()},
        {file_of(root / name): group for name, group in truth.groups.items()},
        {file_of(root / name) for name in truth.test},
    )
    read = dict(zip(below, (table.classes[k] for k in train["label"]), strict=True))
    assert read == truth.labels
    groups = dict(zip(below, train["group"], strict=True))
    pairs = {(groups[name], truth.groups[name]) for name in below}
    assert len(pairs) == len(set(groups.values())) == len(set(truth.groups.values()))
    test = set()
    if table.test is not None:
        test = {file_of(path) for path in table.test["path"]}
    assert test == truth.test


def file_of(path: str | Path) -> str:
    """One name for a file that links give several."""
    return os.path.realpath(path)


def is_read(layout: Layout) -> bool | None:
    """Draw a layout and look at it; whether it was read, and not refused. None where a person
    would have to ask."""
    folder = Path(tempfile.mkdtemp(prefix="layout"))
    try:
        truth = draw(layout, folder)
        try:
            found = survey(folder)
        except DataError as error:
            if os.environ.get("TOOLKIT_SHOW_REFUSALS"):
                print(layout, error, sep="\n")
            return None if truth.open else False
        check(found.table, truth, folder)
        return True if not truth.open else None
    finally:
        shutil.rmtree(folder)


CHECKED = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@settings(CHECKED, max_examples=40)
@given(LAYOUTS)
def test_a_layout_is_read_as_it_is_meant_or_refused(layout: Layout) -> None:
    is_read(layout)


@pytest.mark.slow
def test_of_500_layouts_none_is_read_wrongly_and_nearly_all_are_read() -> None:
    seen: list[bool | None] = []

    @settings(CHECKED, max_examples=500)
    @given(LAYOUTS)
    def every(layout: Layout) -> None:
        seen.append(is_read(layout))

    every()
    assert len(seen) >= 500
    clear = [read for read in seen if read is not None]
    assert sum(clear) >= 0.9 * len(clear)
