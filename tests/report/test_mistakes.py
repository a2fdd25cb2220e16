"""`mistakes.json` of a real run: right, sorted, and with the pixels of the right image."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from toolkit.contracts import ImageSpec, Table
from toolkit.data.cache import Pack
from toolkit.data.check import Data
from toolkit.data.thumbnails import thumbnail
from toolkit.report.mistakes import SHOWN, find_mistakes
from toolkit.runs.opened import Run


def opened(uri: str) -> Image.Image:
    start, _, data = uri.partition(",")
    assert start == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_the_mistakes_are_those_of_the_out_of_fold_table_the_surest_first(
    finished: Run, documents: Path
) -> None:
    found = json.loads(finished.folder.mistakes.read_text())
    classes = [row["class"] for row in finished.report["classes"]]
    truth = pd.read_csv(documents / "train.csv").set_index("ID")["target"]
    mean = finished.oof[finished.oof["view"] == "mean"].set_index("id")
    p = mean[["p_0", "p_1", "p_2"]].to_numpy()
    wrong = p.argmax(1) != truth.loc[mean.index].to_numpy()
    assert (found["rows"], found["mistakes"]) == (24, int(wrong.sum()))
    assert wrong.any()
    assert len(found["shown"]) == min(SHOWN, wrong.sum())
    probabilities = [shot["probability"] for shot in found["shown"]]
    assert probabilities == sorted(probabilities, reverse=True)
    np.testing.assert_allclose(probabilities, np.sort(p[wrong].max(1))[::-1][:SHOWN], atol=1e-4)
    for shot in found["shown"]:
        row = mean.loc[shot["id"]]
        assert shot["truth"] == classes[truth[shot["id"]]] != shot["predicted"]
        assert shot["predicted"] == shot["top"][0][0]
        assert shot["fold"] == row["fold"]
        own = row[f"p_{truth[shot['id']]}"]
        assert abs(shot["probability_of_truth"] - own) < 1e-4


def test_a_thumbnail_shows_its_own_image_without_the_padding(
    finished: Run, documents: Path
) -> None:
    found = json.loads(finished.folder.mistakes.read_text())
    side = ImageSpec(32).working_size
    for shot in found["shown"]:
        small = opened(shot["thumbnail"])
        with Image.open(documents / "train" / shot["id"]) as original:
            width, height = original.size
            expected = np.asarray(original.resize(small.size)).astype(float)
        assert small.size[1] == side  # taller than wide: the padding was beside it
        assert abs(small.size[0] - side * width / height) <= 1
        assert abs(np.asarray(small).astype(float) - expected).mean() < 12


def test_a_thumbnail_is_at_most_208_pixels_and_a_blank_image_stays_whole() -> None:
    spec = ImageSpec(380)
    wide = np.zeros((437, 437, 3), np.uint8)
    wide[100:300] = 255
    small = opened(thumbnail(wide, spec))
    assert small.size == (208, 95)  # 437 x 200, scaled by 208 / 437
    assert opened(thumbnail(np.zeros((30, 30, 3), np.uint8), ImageSpec(26))).size == (30, 30)
    stretched = ImageSpec(26, fit="stretch")
    framed = np.zeros((30, 30, 3), np.uint8)
    framed[10:20] = 9
    assert opened(thumbnail(framed, stretched)).size == (30, 30)


def test_rows_in_any_order_keep_their_truth_and_their_pixels(tmp_path: Path) -> None:
    greys = {"c": 10, "a": 100, "b": 200}  # the order of the table; the pack has another
    packed = np.array([2, 0, 1])
    images = np.zeros((3, 24, 24, 3), np.uint8)
    images[packed] = np.array(list(greys.values()))[:, None, None, None]
    images.tofile(tmp_path / "images.u8")
    pack = Pack(tmp_path / "images.u8", images.shape, {})
    ids = list(greys)
    train = pd.DataFrame({"id": ids, "path": ids, "label": [0, 1, 0], "parent": ids, "group": ids})
    data = Data(Table(train, None, ("x", "y")), pack, packed, None, "", ImageSpec(21))
    keys = {"id": ["b", "c", "a"], "parent": ["b", "c", "a"], "fold": [0, 1, 0]}
    oof = pd.DataFrame({**keys, "variant": "clean", "view": "mean"})
    oof = oof.assign(p_0=[0.3, 0.9, 0.05], p_1=[0.7, 0.1, 0.95])
    found = find_mistakes(oof, data, ImageSpec(21, fit="stretch"))
    assert (found["rows"], found["mistakes"], found["confident"]) == (3, 1, 0)
    (shot,) = found["shown"]
    assert (shot["id"], shot["truth"], shot["predicted"], shot["fold"]) == ("b", "x", "y", 0)
    assert shot["top"] == [["y", 0.7], ["x", 0.3]]
    assert abs(np.asarray(opened(shot["thumbnail"])).mean() - 200) < 2
