"""Words in names of columns and files, and what they say. In small letters."""

from __future__ import annotations

# fmt: off
LABELS = frozenset({
    "answer", "breed", "categories", "category", "class", "classes", "classname", "cultivar",
    "diagnosis", "disease", "dx", "genus", "label", "labels", "species", "target", "targets",
    "variety", "y", "라벨", "레이블", "분류", "정답", "진단명", "클래스", "품종",
})
"""A column of this name holds labels."""
KINDS = frozenset({
    "grade", "kind", "level", "severity", "stage", "type", "등급", "종류",
})
"""Labels, where nothing speaks for another column."""
BESIDE_LABELS = frozenset({
    "code", "gt", "id", "idx", "index", "name", "no", "number", "str", "text", "true", "명",
})
"""What may stand beside such a word: `class_id`, `label name`."""
NEVER = frozenset({
    "age", "angle", "aperture", "area", "author", "bbox", "bytes", "caption", "checksum", "color",
    "colour", "comment", "comments", "conf", "confidence", "date", "day", "depth", "description",
    "dpi", "exposure", "file", "filename", "filepath", "focal", "fold", "folds", "format",
    "gender", "gps", "h", "hash", "height", "hour", "idx", "image", "img", "iso", "lat",
    "latitude", "length", "lens", "license", "lon", "longitude", "md5", "minute", "month", "note",
    "notes", "partition", "path", "phase", "photographer", "pixels", "prob", "probability",
    "quality", "remark", "remarks", "resolution", "score", "season", "seed", "set", "sex", "sha",
    "size", "split", "subset", "time", "timestamp", "title", "url", "usage", "w", "weight",
    "weights", "width", "wt", "x", "xmax", "xmin", "year", "ymax", "ymin",
})
"""Never a label, whatever is in the column. One can be chosen by name all the same."""
GROUPS = frozenset({
    "animal", "book", "burst", "camera", "case", "clip", "device", "doc", "document", "driver",
    "exam", "family", "field", "group", "hospital", "individual", "lesion", "location", "patient",
    "pdf", "person", "plot", "scanner", "scene", "sequence", "series", "session", "site", "slide",
    "source", "specimen", "study", "subject", "tree", "user", "video", "visit", "writer", "그룹",
    "문서", "환자",
})
"""Things that have several images."""
CAMERAS = frozenset({
    "cam", "dsc", "dscf", "dscn", "f", "file", "frame", "gopr", "i", "image", "images", "img",
    "mvimg", "p", "page", "photo", "pic", "pict", "picture", "sample", "scan", "screenshot",
    "test", "train", "val", "valid", "vid", "whatsapp",
})
"""What cameras and scripts call files: no label."""
IDS = frozenset({
    "file", "filename", "id", "ids", "image", "img", "name", "path", "photo", "picture",
})
"""A column of this name may name images."""
# fmt: on
