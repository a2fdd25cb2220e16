"""The four twins: hospital certificates that share every layout and differ in a few fields.

The title tells which one it is, and so do the labels, the closing statement and, mostly, the shape
of one field. All else is drawn from the same pools, whatever the class: they are the hardest
classes, as their models were.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from toolkit_synthdocs import text
from toolkit_synthdocs.blocks import closing, person_fields, signature
from toolkit_synthdocs.dice import Rng, between, chance, pick, shuffled, whole
from toolkit_synthdocs.marks import seal
from toolkit_synthdocs.paper import WHITE, Flat, Pair, Sheet
from toolkit_synthdocs.style import page_style

OWN_SHAPE = 0.9  # chance that the field which sets a twin apart has the twin's own shape


@dataclass(frozen=True)
class Kind:
    """What sets one twin apart."""

    titles: tuple[str, ...]
    dates: tuple[str, ...]
    remark: tuple[str, ...]
    statement: str
    part: str
    """Which part of the form may have a shape of its own, and how that is drawn."""
    own: Callable[[Sheet], None]


def stay(sheet: Sheet) -> None:
    """The first and the last day of a stay, in large print."""
    rng, style = sheet.rng, sheet.style
    size, tall = style.text * between(rng, 1.5, 1.9), sheet.row * between(rng, 2.0, 2.8)
    box = (sheet.left, sheet.y, sheet.right, sheet.y + tall)
    sheet.draw.rectangle(box, style.accent)
    for share, word in ((0.25, "입원"), (0.75, "퇴원")):
        middle = (sheet.left + sheet.wide * share, sheet.y + tall / 2)
        words = f"{word} {text.date(rng)}"
        room = sheet.wide * 0.44
        sheet.write(middle, words, size=size, name="bold", anchor="mm", width=room, fill=WHITE)
    centre = (sheet.width / 2, sheet.y + tall / 2)
    sheet.write(centre, "~", size=size * 1.4, name="black", anchor="mm", fill=WHITE)
    sheet.y += tall + sheet.row * between(rng, 0.3, 0.8)


def named_disease(sheet: Sheet) -> None:
    """The disease in large print beside its label."""
    rng, style = sheet.rng, sheet.style
    name, code = text.disease(rng)
    tall, start = sheet.row * between(rng, 2.6, 3.4), sheet.left + sheet.wide * 0.2
    sheet.draw.rectangle((sheet.left, sheet.y, sheet.right, sheet.y + tall), None, style.ink, 4)
    sheet.draw.rectangle((sheet.left, sheet.y, start, sheet.y + tall), style.tint, style.ink, 2)
    middle = sheet.y + tall / 2
    label = ((sheet.left + start) / 2, middle)
    sheet.write(label, "병 명", size=style.text * 1.7, name="black", anchor="mm")
    size = style.text * between(rng, 2.2, 2.8)
    place = (start + style.text, middle)
    room = sheet.right - start - style.text * 2
    sheet.write(place, f"{name} ({code})", size=size, name="bold", width=room)
    sheet.y += tall + sheet.row * between(rng, 0.3, 0.8)


def visits(sheet: Sheet) -> None:
    """The days of treatment in a grid, each with a small seal."""
    rng, style = sheet.rng, sheet.style
    columns, size = whole(rng, 2, 3), sheet.row * between(rng, 1.3, 1.7)
    share, tall, words = sheet.wide / columns, size * 1.25, pick(rng, ("확인", "진료", "통원"))
    for _ in range(whole(rng, 2, 4)):
        for column in range(columns):
            start = sheet.left + share * column
            box = (start, sheet.y, start + share, sheet.y + tall)
            sheet.draw.rectangle(box, None, style.ink, style.line)
            place = (start + style.text * 0.4, sheet.y + tall / 2)
            sheet.write(place, text.date(rng), width=share - size - style.text)
            seal(rng, sheet.image, (start + share - size * 0.6, sheet.y + tall / 2), size, words)
        sheet.y += tall
    sheet.y += sheet.row * between(rng, 0.3, 0.8)


def ruled(sheet: Sheet) -> None:
    """Much room for what the doctor thinks, on ruled lines."""
    rng, style = sheet.rng, sheet.style
    step, lines = style.text * between(rng, 1.8, 2.2), text.sentences(rng, whole(rng, 3, 8))
    tall = max(step * 4, sheet.remaining * between(rng, 0.45, 0.7))
    box = (sheet.left, sheet.y, sheet.right, sheet.y + tall)
    sheet.draw.rectangle(box, None, style.ink, style.line + 1)
    for number in range(1, int(tall / step)):
        y = sheet.y + step * number
        sheet.draw.line((sheet.left, y, sheet.right, y), style.accent, 2)
        if number <= len(lines):
            place = (sheet.left + style.text, y - step / 2)
            sheet.write(place, lines[number - 1], width=sheet.wide - style.text * 2)
    sheet.y += tall + sheet.row * between(rng, 0.3, 0.8)


ADMISSION = Kind(
    ("입퇴원확인서", "입퇴원확인서", "입·퇴원 확인서"),
    ("입원일", "퇴원일", "입원기간"),
    ("입원사유", "비고"),
    "위와 같이 입원 및 퇴원 사실을 확인합니다.",
    "dates",
    stay,
)
DIAGNOSIS = Kind(
    ("진 단 서", "진 단 서", "진  단  서", "진단서"),
    ("발병일", "진단일", "초진일"),
    ("치료 내용", "진단 의견"),
    "위와 같이 진단합니다.",
    "disease",
    named_disease,
)
OUTPATIENT = Kind(
    ("통원확인서", "통원확인서", "외래진료확인서"),
    ("초진일", "통원일", "통원기간"),
    ("진료내용", "비고"),
    "위와 같이 통원 치료 사실을 확인합니다.",
    "dates",
    visits,
)
OPINION = Kind(
    ("소견서", "소견서", "소 견 서", "의사소견서"),
    ("진료일", "초진일", "작성일"),
    ("소견", "향후 의견"),
    "위와 같은 소견입니다.",
    "remark",
    ruled,
)

# The order of a form's parts. Every twin is printed on every form.
FORMS = (
    ("patient", "disease", "dates", "remark", "statement"),
    ("patient", "dates", "disease", "remark", "statement"),
    ("patient", "disease", "remark", "dates", "statement"),
    ("disease", "patient", "dates", "remark", "statement"),
    ("patient", "dates", "disease", "statement", "remark"),
    ("patient", "remark", "dates", "disease", "statement"),
)


def certificate(rng: Rng, kind: Kind) -> Flat:
    sheet = Sheet(rng, page_style(rng))
    owner = text.hospital(rng)
    sheet.letterhead(owner)
    sheet.heading(pick(rng, kind.titles))
    for part in pick(rng, FORMS):
        if part == kind.part and chance(rng, OWN_SHAPE):
            kind.own(sheet)
        else:
            PARTS[part](sheet, kind)
    signature(sheet, owner, pick(rng, ("의사", "담당의", "병원장")))
    closing(sheet)
    return Flat(sheet.image)


def patient(sheet: Sheet, kind: Kind) -> None:
    person_fields(sheet)


def disease(sheet: Sheet, kind: Kind) -> None:
    """One disease as a field, or several as a table."""
    rng = sheet.rng
    if chance(rng, 0.6):
        name, code = text.disease(rng)
        sheet.fields([[("병명", name), ("질병코드", code)]])
        return
    rows = [(str(n + 1), *text.disease(rng)) for n in range(whole(rng, 1, 3))]
    sheet.table((1, 6, 2), ("순번", "병명", "코드"), rows)


def dates(sheet: Sheet, kind: Kind) -> None:
    """The twin's own dates, as fields or as a table."""
    rng = sheet.rng
    names = shuffled(rng, kind.dates)
    if chance(rng, 0.4):
        rows = [[text.date(rng) for _ in names] for _ in range(whole(rng, 1, 2))]
        sheet.table((1, 1, 1), names, rows)
        return
    pairs: list[Pair] = [(name, text.date(rng)) for name in names]
    sheet.fields([pairs[:2], pairs[2:]] if chance(rng, 0.5) else [pairs[:2]])


def remark(sheet: Sheet, kind: Kind) -> None:
    rng = sheet.rng
    tall = max(sheet.row * 2, sheet.remaining * between(rng, 0.15, 0.4))
    label = pick(rng, kind.remark) if chance(rng, 0.8) else ""
    sheet.prose(text.sentences(rng, whole(rng, 2, 8)), tall, label)


def statement(sheet: Sheet, kind: Kind) -> None:
    sheet.say(kind.statement, size=between(sheet.rng, 1.1, 1.4))


PARTS: dict[str, Callable[[Sheet, Kind], None]] = {
    "patient": patient,
    "disease": disease,
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
