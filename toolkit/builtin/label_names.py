"""What columns of labels are called, in small letters, without what stands between words."""

from __future__ import annotations

# fmt: off
LABEL_NAMES = frozenset({
    "answer", "breed", "breeds", "categories", "category", "class", "classes", "classname", "cls",
    "cultivar", "diagnosis", "disease", "diseases", "dx", "genus", "groundtruth", "label",
    "labels", "lbl", "species", "tag", "tags", "target", "targets", "taxon", "truth", "variety",
    "y", "ylabel", "ytrue",
    # German, French, Spanish, Portuguese, Italian
    "diagnose", "kategorie", "klasse", "krankheit", "rasse", "sorte", "zielklasse",
    "catégorie", "categorie", "classe", "diagnostic", "espèce", "espece", "étiquette", "maladie",
    "categoría", "categoria", "clase", "diagnóstico", "diagnostico", "enfermedad", "especie",
    "etiqueta", "raza", "doença", "espécie", "raça", "diagnosi", "etichetta", "razza", "specie",
    # Korean, Japanese, Chinese
    "라벨", "레이블", "범주", "분류", "정답", "종", "진단", "진단명", "질병",
    "카테고리", "클래스", "품종",
    "クラス", "カテゴリ", "ラベル", "分類", "正解", "診断", "品種", "種",
    "标签", "標籤", "分类", "类别", "類別", "物种", "诊断", "品种", "疾病",
})
# fmt: on
"""A column of this name holds labels."""
