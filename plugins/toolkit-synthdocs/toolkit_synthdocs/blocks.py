"""Parts of a form that many classes share."""

from __future__ import annotations

from toolkit_synthdocs import text
from toolkit_synthdocs.dice import RGB, between, blend, chance, pick, shuffled, whole
from toolkit_synthdocs.marks import bar_code, check_box, portrait, seal, square_code
from toolkit_synthdocs.paper import Pair, Sheet


def person_fields(sheet: Sheet, rows: int | None = None) -> None:
    """Who the document is about."""
    rng = sheet.rng
    known: list[Pair] = [
        ("성명", text.person(rng)),
        ("주민번호", text.born(rng)),
        ("연락처", text.phone(rng)),
        ("등록번호", text.digits(rng, 8)),
        ("성별", pick(rng, "남여")),
        ("생년월일", text.date(rng)),
    ]
    known = shuffled(rng, known)
    lines: list[list[Pair]] = [known[:2], known[2:4], known[4:]]
    lines = lines[: whole(rng, 1, 3) if rows is None else rows]
    if chance(rng, 0.6):
        lines.append([("주소", text.address(rng))])
    sheet.fields(lines, label=between(rng, 0.3, 0.42))


def signature(sheet: Sheet, owner: str, role: str) -> None:
    """Date, issuer and a name with a seal over it, as near to the bottom as there is room."""
    rng, style = sheet.rng, sheet.style
    big = style.text * between(rng, 1.3, 2.0)
    tall = big * 6
    sheet.y = max(sheet.y, min(sheet.bottom - tall, sheet.y + sheet.remaining * between(rng, 0, 1)))
    sheet.say(text.date(rng), size=1.2, align=pick(rng, ("center", "right")))
    align = pick(rng, ("left", "center", "right"))
    x = {"left": sheet.left, "center": sheet.width / 2, "right": sheet.right}[align]
    anchor = {"left": "lm", "center": "mm", "right": "rm"}[align]
    sheet.y += big * 0.7
    sheet.write((x, sheet.y), owner, size=big, name="bold", anchor=anchor)
    sheet.y += big * 1.2
    words = f"{role}  {text.person(rng)}  (인)"
    sheet.write((x, sheet.y), words, size=big * 0.8, anchor=anchor)
    if chance(rng, 0.8):
        shift = {"left": 6.0, "center": 4.0, "right": -1.0}[align]
        size = between(rng, 0.09, 0.17) * min(sheet.width, sheet.height)
        place = (x + shift * big, sheet.y - big * between(rng, 0.2, 1.0))
        seal(rng, sheet.image, place, size, pick(rng, (owner[:4], owner[:4] + "인", "직인")))
    sheet.y += big


def closing(sheet: Sheet) -> None:
    """Small print and codes at the foot of the page, where there is room."""
    rng, style = sheet.rng, sheet.style
    for _ in range(whole(rng, 0, 4)):
        if sheet.remaining > style.text * 2:
            sheet.say(text.note(rng), size=0.85, align="left")
    if chance(rng, 0.2) and sheet.remaining > 50:
        square_code(rng, sheet.image, (sheet.right - 62, sheet.bottom - 56), 60)
    elif chance(rng, 0.25) and sheet.remaining > 40:
        left = pick(rng, (sheet.left, sheet.right - 160))
        bar_code(rng, sheet.draw, (left, sheet.bottom - 30, left + 150, sheet.bottom))


def tick_rows(sheet: Sheet, label: str, options: list[str], columns: int, tone: RGB) -> None:
    """A labelled cell of large check boxes, `columns` a line."""
    style, rng, tall = sheet.style, sheet.rng, 1.4
    rows = -(-len(options) // columns)
    start = sheet.left + sheet.wide * 0.2
    sheet.cell((sheet.left, start), label, fill=tone, anchor="mm", rows=rows * tall)
    sheet.cell((start, sheet.right), "", rows=rows * tall)
    step, size = (sheet.right - start) / columns, style.text * 1.8
    for number, option in enumerate(options):
        x = start + style.text * 0.6 + step * (number % columns)
        y = sheet.y + sheet.row * tall * (number // columns + 0.5)
        check_box(rng, sheet.draw, (x, y), size, style.ink)
        sheet.write((x + size * 1.5, y), option, size=style.text * 1.2, width=step - size * 2)
    sheet.y += sheet.row * rows * tall


def big_amount(sheet: Sheet, label: str, amount: str) -> None:
    """A sum in large digits, boxed or between rules."""
    style, rng = sheet.style, sheet.rng
    size = style.text * between(rng, 2.2, 3.2)
    box = (sheet.left, sheet.y, sheet.right, sheet.y + size * 1.9)
    if chance(rng, 0.8):
        fill = blend(style.paper, style.accent, pick(rng, (0.0, 0.2, 0.4)))
        sheet.draw.rounded_rectangle(box, 8, fill, style.ink, style.line)
    middle = sheet.y + size * 0.95
    sheet.write((sheet.left + size * 0.4, middle), label, size=size * 0.55, name="bold")
    place = (sheet.right - size * 0.4, middle)
    sheet.write(place, f"{amount}원", size=size, name="black", anchor="rm", width=sheet.wide * 0.65)
    sheet.y += size * 1.9 + sheet.row * 0.5


def photo(sheet: Sheet, left: float, width: int, height: int) -> None:
    """A framed portrait with its top at `y`, which stays where it is."""
    place = (round(left), round(sheet.y))
    sheet.image.paste(portrait(sheet.rng, width, height), place)
    box = (*place, place[0] + width, place[1] + height)
    sheet.draw.rectangle(box, None, sheet.style.ink, 1)
