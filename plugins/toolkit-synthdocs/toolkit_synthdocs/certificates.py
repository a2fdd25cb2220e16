"""The four twins: hospital certificates that share every layout and differ in a few words.

The title, the labels of the dates and of the remark, and the closing statement tell which one it
is. All else is drawn from the same pools, whatever the class: they are the hardest classes, as
their models were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from toolkit_synthdocs import text
from toolkit_synthdocs.blocks import closing, person_fields, signature
from toolkit_synthdocs.dice import Rng, between, chance, pick, shuffled, whole
from toolkit_synthdocs.paper import Flat, Pair, Sheet
from toolkit_synthdocs.style import page_style


@dataclass(frozen=True)
class Kind:
    """What sets one twin apart."""

    titles: tuple[str, ...]
    dates: tuple[str, ...]
    remark: tuple[str, ...]
    statement: str


ADMISSION = Kind(
    ("입퇴원확인서", "입·퇴원 확인서", "입원확인서"),
    ("입원일", "퇴원일", "입원기간"),
    ("입원사유", "비고"),
    "위와 같이 입원 및 퇴원 사실을 확인합니다.",
)
DIAGNOSIS = Kind(
    ("진단서", "진 단 서", "진  단  서"),
    ("발병일", "진단일", "초진일"),
    ("치료 내용", "진단 의견"),
    "위와 같이 진단합니다.",
)
OUTPATIENT = Kind(
    ("통원확인서", "외래진료확인서", "진료확인서"),
    ("초진일", "통원일", "통원기간"),
    ("진료내용", "비고"),
    "위와 같이 통원 치료 사실을 확인합니다.",
)
OPINION = Kind(
    ("소견서", "소 견 서", "의사소견서"),
    ("진료일", "초진일", "작성일"),
    ("소견", "향후 의견"),
    "위와 같은 소견입니다.",
)

# The order of a form's parts. Every twin is printed on every form.
FORMS = (
    ("patient", "disease", "dates", "remark", "statement"),
    ("patient", "dates", "disease", "remark", "statement"),
    ("patient", "disease", "remark", "dates", "statement"),
    ("disease", "patient", "dates", "remark", "statement"),
    ("patient", "diseases", "dates", "remark", "statement"),
    ("patient", "dates", "diseases", "statement", "remark"),
    ("patient", "remark", "dates", "disease", "statement"),
)


def certificate(rng: Rng, kind: Kind) -> Flat:
    sheet = Sheet(rng, page_style(rng))
    owner = text.hospital(rng)
    sheet.letterhead(owner)
    sheet.heading(pick(rng, kind.titles))
    for part in pick(rng, FORMS):
        PARTS[part](sheet, kind)
    signature(sheet, owner, pick(rng, ("의사", "담당의", "병원장")))
    closing(sheet)
    return Flat(sheet.image)


def patient(sheet: Sheet, kind: Kind) -> None:
    person_fields(sheet)


def disease(sheet: Sheet, kind: Kind) -> None:
    name, code = text.disease(sheet.rng)
    sheet.fields([[("병명", name), ("질병코드", code)]])


def diseases(sheet: Sheet, kind: Kind) -> None:
    rows = [(str(n + 1), *text.disease(sheet.rng)) for n in range(whole(sheet.rng, 2, 4))]
    sheet.table((1, 6, 2), ("순번", "병명", "코드"), rows)


def dates(sheet: Sheet, kind: Kind) -> None:
    """The twin's own dates, as fields or as a table."""
    rng = sheet.rng
    names = shuffled(rng, kind.dates)
    if chance(rng, 0.4):
        rows = [[text.date(rng) for _ in names] for _ in range(whole(rng, 1, 3))]
        sheet.table((1, 1, 1), names, rows)
        return
    pairs: list[Pair] = [(name, text.date(rng)) for name in names]
    sheet.fields([pairs[:2], pairs[2:]] if chance(rng, 0.5) else [pairs[:2]])


def remark(sheet: Sheet, kind: Kind) -> None:
    rng = sheet.rng
    tall = max(sheet.row * 2, sheet.remaining * between(rng, 0.15, 0.45))
    label = pick(rng, kind.remark) if chance(rng, 0.8) else ""
    sheet.prose(text.sentences(rng, whole(rng, 2, 8)), tall, label)


def statement(sheet: Sheet, kind: Kind) -> None:
    sheet.say(kind.statement, size=between(sheet.rng, 1.1, 1.4))


PARTS: dict[str, Callable[[Sheet, Kind], None]] = {
    "patient": patient,
    "disease": disease,
    "diseases": diseases,
    "dates": dates,
    "remark": remark,
    "statement": statement,
}


def admission(rng: Rng) -> Flat:
    return certificate(rng, ADMISSION)


def diagnosis(rng: Rng) -> Flat:
    return certificate(rng, DIAGNOSIS)


def outpatient(rng: Rng) -> Flat:
    return certificate(rng, OUTPATIENT)


def opinion(rng: Rng) -> Flat:
    return certificate(rng, OPINION)
