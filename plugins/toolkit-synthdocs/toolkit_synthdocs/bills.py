"""What was paid: hospital bills, proofs of payment, receipts of pharmacies."""

from __future__ import annotations

from dataclasses import replace

from toolkit_synthdocs import text
from toolkit_synthdocs.blocks import (
    big_amount,
    closing,
    person_fields,
    signature,
)
from toolkit_synthdocs.dice import RGB, Rng, between, blend, chance, pick, shuffled, whole
from toolkit_synthdocs.marks import REDS, bar_code, seal
from toolkit_synthdocs.paper import Flat, Pair, Sheet
from toolkit_synthdocs.style import ACCENTS, Taste, page_style

WARD = Taste(((232, 240, 250), (244, 248, 255)), ((34, 84, 150), (60, 110, 180)))
TILL = Taste(((255, 255, 255), (250, 250, 247)), ((200, 96, 20), (210, 120, 40)))
REMEDY = Taste(((252, 244, 200), (255, 250, 226)), ((24, 130, 90), (50, 140, 60)))

FEES = (
    *("진찰료", "입원료", "식대", "투약료", "주사료", "마취료", "처치료", "검사료", "영상진단"),
    *("치료재료", "물리치료", "선택료", "MRI", "CT", "초음파", "제증명", "기타"),
)


def medical_bill(rng: Rng) -> Flat:
    """A dense grid of fees, with the sums below it."""
    style = page_style(rng, slip=0.0)
    sheet = Sheet(
        rng, replace(style, row=between(rng, 1.45, 1.8), grid=pick(rng, ("full", "rules")))
    )
    owner = text.hospital(rng)
    sheet.letterhead(owner)
    sheet.heading(pick(rng, ("진료비 계산서·영수증", "진료비영수증", "진료비 계산서")))
    person_fields(sheet, rows=whole(rng, 1, 2))
    header = ("항목", "본인부담", "공단부담", "비급여", "선택", "합계")[: whole(rng, 5, 6)]
    room = int((sheet.remaining - sheet.row * 4) / sheet.row)
    rows = [
        (fee, *(text.won(rng) if chance(rng, 0.75) else "" for _ in header[1:]))
        for fee in FEES[: max(6, min(whole(rng, 13, 17), room))]
    ]
    tone = blend(style.paper, style.accent, between(rng, 0.3, 0.6))
    shares = (1.3, *(1.0 for _ in header[1:]))
    for column in (0, len(header) - 1):  # names and sums stand out
        before, wide = sum(shares[:column]), shares[column]
        start = sheet.left + sheet.wide * before / sum(shares)
        end = start + sheet.wide * wide / sum(shares)
        bottom = sheet.y + sheet.row * (len(rows) + 1)
        sheet.draw.rectangle((start, sheet.y, end, bottom), tone)
    sheet.table(shares, header, rows, tone)
    totals: list[Pair] = [("총액", text.won(rng)), ("납부할 금액", text.won(rng))]
    sheet.fields([totals] if chance(rng, 0.5) else [[pair] for pair in totals])
    signature(sheet, owner, "수납")
    return Flat(sheet.image)


def payment_slip(rng: Rng) -> Flat:
    """A proof of payment on paper: the sum in large digits, a list of facts."""
    style = page_style(rng, slip=0.4, taste=TILL)
    sheet = Sheet(rng, replace(style, grid=pick(rng, ("dotted", "dotted", "rules"))))
    owner = text.company(rng)
    sheet.letterhead(owner)
    sheet.heading(pick(rng, ("결제확인서", "납입확인서", "카드매출전표", "납부 확인서")))
    big_amount(sheet, "결제금액", text.won(rng, 10_000))
    facts: list[Pair] = [
        ("승인번호", text.digits(rng, 8)),
        ("카드번호", f"{text.digits(rng, 4)}-****-****-{text.digits(rng, 4)}"),
        ("결제일시", text.date(rng)),
        ("가맹점", owner),
        ("할부", pick(rng, ("일시불", "3개월", "6개월"))),
        ("공급가액", text.won(rng)),
        ("부가세", text.won(rng)),
        ("상품명", pick(rng, ("진료비", "수강료", "보험료", "물품대금"))),
    ]
    sheet.fields([[fact] for fact in shuffled(rng, facts)[: whole(rng, 4, 8)]], label=0.7)
    inks = (pick(rng, ACCENTS),) if chance(rng, 0.5) else REDS
    size = between(rng, 0.26, 0.36) * min(sheet.width, sheet.height)
    place = (between(rng, 0.3, 0.75) * sheet.width, sheet.y - size * between(rng, 0.1, 0.6))
    seal(rng, sheet.image, place, size, pick(rng, ("승인완료", "결제완료", "납부완료")), inks)
    if chance(rng, 0.85):
        tall = sheet.height * between(rng, 0.05, 0.08)
        bar_code(rng, sheet.draw, (sheet.left, sheet.y, sheet.right, sheet.y + tall))
        sheet.y += tall
    sheet.say("위 금액을 정히 영수(결제)하였음을 확인합니다.")
    signature(sheet, owner, "대표")
    closing(sheet)
    return Flat(sheet.image)


def pharmacy_receipt(rng: Rng) -> Flat:
    """A medicine bag or a till receipt: drugs with their pills, when to take them, the sum."""
    sheet = Sheet(rng, page_style(rng, slip=0.5, taste=REMEDY))
    owner = text.pharmacy(rng)
    sheet.letterhead(owner)
    words = ("약제비 영수증", "약제비 계산서·영수증", "복약안내 및 영수증", "약 봉투")
    sheet.heading(pick(rng, words))
    sheet.fields([[("환자", text.person(rng)), ("조제일", text.date(rng))]])
    for _ in range(whole(rng, 3, 6)):
        if sheet.remaining > sheet.row * 7:
            medicine(sheet)
    costs = ("약제비 총액", "본인부담금", "보험자부담", "조제료", "카드", "현금영수증")
    lines = [[(cost, text.won(rng))] for cost in costs[: whole(rng, 2, 4)]]
    sheet.fields(lines, label=0.8)
    if chance(rng, 0.3):
        big_amount(sheet, "합계", text.won(rng))
    signature(sheet, owner, "약사")
    closing(sheet)
    return Flat(sheet.image)


PILLS: tuple[RGB, ...] = (
    *((250, 206, 70), (236, 110, 110), (110, 160, 236), (120, 200, 130), (240, 150, 60)),
    *((244, 244, 240), (190, 140, 220)),
)


def medicine(sheet: Sheet) -> None:
    """A line of the medicine bag: a pill's picture, its name, how often and when it is taken."""
    rng, style = sheet.rng, sheet.style
    tall = max(sheet.row * 1.7, sheet.height * 0.065)
    pad, long = tall * 0.12, tall * pick(rng, (0.9, 1.7))
    box = (sheet.left + pad, sheet.y + pad, sheet.left + long, sheet.y + tall - pad)
    round_ends = (tall - 2 * pad) / 2 - 1
    sheet.draw.rounded_rectangle(box, round_ends, pick(rng, PILLS), style.ink, 2)
    if long > tall:
        middle = (box[0] + box[2]) / 2
        left_half = (True, False, False, True)
        half = (box[0], box[1], middle, box[3])
        sheet.draw.rounded_rectangle(
            half, round_ends, pick(rng, PILLS), style.ink, 2, corners=left_half
        )
    x, dot = sheet.left + tall * 2, tall * 0.3
    room = sheet.right - x - dot * 4.5
    sheet.write((x, sheet.y + tall * 0.3), text.drug(rng), name="bold", width=room)
    dose = f"1회 {whole(rng, 1, 2)}정  {whole(rng, 3, 14)}일분"
    sheet.write((x, sheet.y + tall * 0.72), dose, width=room)
    for time in range(3):  # morning, noon and evening
        start = sheet.right - dot * (4.2 - time * 1.4)
        spot = (start, sheet.y + tall * 0.35, start + dot, sheet.y + tall * 0.35 + dot)
        sheet.draw.ellipse(spot, style.accent if chance(rng, 0.7) else None, style.accent, 2)
    sheet.y += tall
    sheet.rule(sheet.left, sheet.right, 1)
