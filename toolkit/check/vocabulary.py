"""Words in names of columns and files, and what they say. In small letters."""

from __future__ import annotations

# fmt: off
KINDS = frozenset({
    "defect", "disorder", "emotion", "finding", "gesture", "grade", "kind", "level", "outcome",
    "pathology", "severity", "stage", "type", "art", "stufe", "tipo", "등급", "종류", "類", "类型",
})
"""Labels, where nothing speaks for another column."""
BESIDE_LABELS = frozenset({
    "code", "gt", "id", "idx", "index", "name", "no", "number", "str", "text", "true", "명",
})
"""What may stand beside such a word: `class_id`, `label name`."""
ATTRIBUTES = frozenset({
    "age", "alter", "bmi", "cv", "edad", "ethnicity", "fold", "folds", "gender", "geschlecht",
    "gewicht", "jahreszeit", "kfold", "peso", "poids", "race", "saison", "season", "sex",
    "sexe", "sexo", "split", "stratum", "weight", "weights", "wt", "âge", "体重", "季節", "季节",
    "年齢", "年龄", "性別", "性别", "검증", "계절", "나이", "성별", "연령", "체중",
})
"""What is known of a row beside its label, also by names such as `age_group`."""
NEVER = ATTRIBUTES | frozenset({
    "angle", "année", "aperture", "area", "author", "bbox", "bytes", "caption", "checksum", "color",
    "colour", "comment", "comments", "conf", "confidence", "date", "day", "depth", "description",
    "dpi", "exposure", "file", "filename", "filepath", "focal", "format", "gps", "h", "hash",
    "height", "hour", "idx", "image", "img", "iso", "jahr", "lat", "latitude", "length", "lens",
    "license", "lon", "longitude", "md5", "minute", "month", "note", "notes", "partition", "path",
    "phase", "photographer", "pixels", "prob", "probability", "quality", "remark", "remarks",
    "resolution", "score", "seed", "set", "sha", "size", "subset", "time", "timestamp", "title",
    "url", "usage", "w", "width", "x", "xmax", "xmin", "year", "ymax", "ymin",
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
