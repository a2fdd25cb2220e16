"""The other page-like classes: forms, bills, prescriptions, resumes, registrations."""

from __future__ import annotations

from toolkit_synthdocs import text
from toolkit_synthdocs.blocks import (
    big_amount,
    closing,
    person_fields,
    photo,
    signature,
    tick_rows,
)
from toolkit_synthdocs.dice import Rng, between, blend, chance, pick, shuffled, whole
from toolkit_synthdocs.marks import square_code
from toolkit_synthdocs.paper import Flat, Pair, Sheet
from toolkit_synthdocs.style import page_style


def pregnancy_application(rng: Rng) -> Flat:
    """A form full of check boxes."""
    sheet = Sheet(rng, page_style(rng))
    sheet.letterhead(text.company(rng))
    words = (
        "임신·출산 진료비 지급 신청서",
        "임신·출산 진료비 신청서",
        "임신출산 진료비 지급신청서",
    )
    sheet.heading(pick(rng, words))
    asked = [
        ("신청구분", ["임신", "출산", "유산·사산", "영유아"]),
        ("태아 수", ["단태아", "쌍태아", "다태아"]),
        ("신청인", ["본인", "배우자", "부모", "대리인"]),
        ("이용권", ["신규", "재발급", "사용중", "해지"]),
        ("수령 방법", ["방문", "우편", "문자", "전자문서"]),
        ("확인 서류", ["진단서", "등본", "신분증", "위임장", "통장사본", "기타"]),
    ]
    person_fields(sheet)
    for label, options in shuffled(rng, asked)[: whole(rng, 4, 6)]:
        tick_rows(sheet, label, options, pick(rng, (2, 2, 3)))
    sheet.skip(0.5)
    sheet.fields([[("은행", text.bank(rng)), ("계좌", text.account(rng))]])
    signature(sheet, f"{pick(rng, text.PLACES)}공단 이사장 귀하", "신청인")
    closing(sheet)
    return Flat(sheet.image)


FEES = (
    *("진찰료", "입원료", "식대", "투약료", "주사료", "마취료", "처치료", "검사료", "영상진단"),
    *("치료재료", "물리치료", "선택료", "MRI", "CT", "초음파", "제증명", "기타"),
)


def medical_bill(rng: Rng) -> Flat:
    """A dense grid of fees, with the sums below it or at its side."""
    sheet = Sheet(rng, page_style(rng))
    owner = text.hospital(rng)
    sheet.letterhead(owner)
    sheet.heading(pick(rng, ("진료비 계산서·영수증", "진료비영수증", "진료비 계산서")))
    person_fields(sheet, rows=whole(rng, 1, 2))
    header = ("항목", "본인부담", "공단부담", "비급여", "합계")[: whole(rng, 4, 5)]
    room = int((sheet.remaining - sheet.row * 3) / sheet.row)
    rows = [
        (fee, *(text.won(rng) if chance(rng, 0.75) else "" for _ in header[1:]))
        for fee in FEES[: max(6, min(whole(rng, 10, 17), room))]
    ]
    sheet.table((1.3, *(1.0 for _ in header[1:])), header, rows)
    totals: list[Pair] = [("총액", text.won(rng)), ("납부할 금액", text.won(rng))]
    sheet.fields([totals] if chance(rng, 0.5) else [[pair] for pair in totals])
    signature(sheet, owner, "수납")
    return Flat(sheet.image)


def payment_slip(rng: Rng) -> Flat:
    """A proof of payment on paper: the sum in large digits, a list of facts."""
    sheet = Sheet(rng, page_style(rng, slip=0.35))
    owner = text.company(rng)
    sheet.letterhead(owner)
    sheet.heading(pick(rng, ("결제확인서", "납입확인서", "카드매출전표", "납부 확인서")))
    if chance(rng, 0.7):
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
    if sheet.y < sheet.height * 0.6 and chance(rng, 0.5):
        big_amount(sheet, "합계", text.won(rng, 10_000))
    sheet.say("위 금액을 정히 영수(결제)하였음을 확인합니다.")
    signature(sheet, owner, "대표")
    closing(sheet)
    return Flat(sheet.image)


def pharmacy_receipt(rng: Rng) -> Flat:
    """A medicine bag or a till receipt: drugs with their pills, when to take them, the sum."""
    sheet = Sheet(rng, page_style(rng, slip=0.55))
    owner = text.pharmacy(rng)
    sheet.letterhead(owner)
    words = ("약제비 영수증", "약제비 계산서·영수증", "복약안내 및 영수증", "약 봉투")
    sheet.heading(pick(rng, words))
    sheet.fields([[("환자", text.person(rng)), ("조제일", text.date(rng))]])
    for _ in range(whole(rng, 2, 5)):
        if sheet.remaining > sheet.row * 10:
            _medicine(sheet)
    costs = ("약제비 총액", "본인부담금", "보험자부담", "조제료", "카드", "현금영수증")
    lines = [[(cost, text.won(rng))] for cost in costs[: whole(rng, 3, 6)]]
    sheet.fields(lines, label=0.8)
    if chance(rng, 0.5):
        big_amount(sheet, "합계", text.won(rng))
    signature(sheet, owner, "약사")
    closing(sheet)
    return Flat(sheet.image)


def _medicine(sheet: Sheet) -> None:
    """A line of the medicine bag: a pill's picture, its name, how often it is taken."""
    rng, style = sheet.rng, sheet.style
    tall = sheet.row * 1.7
    colours = ((240, 240, 236), (250, 220, 120), (240, 170, 170), (170, 200, 240), (180, 220, 180))
    pad = tall * 0.2
    box = (sheet.left + pad, sheet.y + pad, sheet.left + tall * 1.4, sheet.y + tall - pad)
    sheet.draw.rounded_rectangle(box, tall * 0.3, pick(rng, colours), style.ink, 1)
    if chance(rng, 0.5):
        middle = (box[0] + box[2]) / 2
        half = (middle, box[1], box[2], box[3])
        sheet.draw.rounded_rectangle(half, tall * 0.25, pick(rng, colours), style.ink, 1)
    x = sheet.left + tall * 1.7
    room = sheet.right - x
    sheet.write((x, sheet.y + tall * 0.3), text.drug(rng), name="bold", width=room)
    dose = f"1회 {whole(rng, 1, 2)}정  1일 {whole(rng, 1, 3)}회  {whole(rng, 3, 14)}일분"
    sheet.write((x, sheet.y + tall * 0.72), dose, width=room)
    sheet.y += tall
    sheet.rule(sheet.left, sheet.right, 1)


def prescription(rng: Rng) -> Flat:
    """A table of drugs with narrow columns of doses under a coloured head."""
    sheet = Sheet(rng, page_style(rng))
    owner = text.hospital(rng)
    sheet.letterhead(owner)
    sheet.heading(pick(rng, ("처방전", "처 방 전", "원외처방전")))
    person_fields(sheet, rows=whole(rng, 1, 2))
    _, code = text.disease(rng)
    if chance(rng, 0.7):
        sheet.fields([[("질병분류", code), ("의료기관", owner)]])
    tone = blend(sheet.style.paper, sheet.style.accent, between(rng, 0.35, 0.7))
    rows = []
    for _ in range(whole(rng, 3, 8)):
        doses = (str(whole(rng, 1, 3)), str(whole(rng, 1, 3)), str(whole(rng, 3, 30)))
        rows.append((text.drug(rng), *doses, pick(rng, ("식후30분", "식전", "취침전"))))
    blank = ("", "", "", "", "")
    rows += [blank] * whole(rng, 0, 4)
    sheet.table((5, 1, 1, 1, 2), ("처방 의약품의 명칭", "1회", "1일", "일수", "용법"), rows, tone)
    if chance(rng, 0.6):
        sheet.fields([[("조제약국", text.pharmacy(rng)), ("조제약사", text.person(rng))]])
    signature(sheet, owner, "처방의")
    if chance(rng, 0.5):
        side = pick(rng, (sheet.left, sheet.right - 66))
        square_code(rng, sheet.image, (side, sheet.bottom - 66), 64)
    closing(sheet)
    return Flat(sheet.image)


def resume(rng: Rng) -> Flat:
    """A photo beside the first fields, and a life in tables."""
    sheet = Sheet(rng, page_style(rng, landscape=0.08, slip=0.0))
    sheet.heading(pick(rng, ("이력서", "이 력 서", "이  력  서", "입사지원서")))
    width = round(sheet.wide * between(rng, 0.18, 0.24))
    height = round(width * 1.3)
    gap = width + 10
    left, right, top = sheet.left, sheet.right, sheet.y
    if chance(rng, 0.6):
        photo(sheet, left, width, height)
        sheet.left += gap
    else:
        photo(sheet, right - width, width, height)
        sheet.right -= gap
    person_fields(sheet, rows=whole(rng, 2, 3))
    sheet.left, sheet.right = left, right
    sheet.y = max(sheet.y, top + height + sheet.row * 0.5)
    parts = (
        (("기간", "학력 사항", "전공"), ("고등학교 졸업", "대학교 졸업", "대학원 수료")),
        (("기간", "경력 사항", "직위"), ("기획팀", "영업부", "연구소", "생산관리")),
        (("취득일", "자격증", "기관"), ("정보처리", "운전면허", "한국사", "외국어")),
        (("기간", "수상 및 활동", "비고"), ("봉사활동", "공모전", "동아리")),
    )
    for header, contents in shuffled(rng, parts)[: whole(rng, 2, 4)]:
        rows = [
            (text.date(rng), f"{pick(rng, text.PLACES)} {pick(rng, contents)}", "")
            for _ in range(whole(rng, 2, 5))
        ]
        if sheet.remaining > sheet.row * (len(rows) + 1):
            sheet.table((2, 5, 1.5), header, rows)
    if sheet.remaining > sheet.row * 4 and chance(rng, 0.5):
        tall = sheet.remaining * between(rng, 0.4, 0.8)
        sheet.prose(text.sentences(rng, 8), tall, "자기소개")
    sheet.say(f"{text.date(rng)}   지원자 {text.person(rng)} (인)")
    return Flat(sheet.image)


CAR_FIELDS = (
    *("등록번호", "차종", "용도", "차명", "형식", "연식", "차대번호", "원동기형식", "사용본거지"),
    *("소유자", "생년월일"),
)
CAR_SPECS = ("길이", "너비", "높이", "총중량", "배기량", "정격출력", "승차정원", "연료", "기통수")


def vehicle_registration(rng: Rng) -> Flat:
    """Numbered small cells within a double frame, mostly on a wide page."""
    sheet = Sheet(rng, page_style(rng, landscape=0.45, slip=0.0))
    sheet.letterhead(f"{pick(rng, text.PLACES)}시")
    sheet.heading(pick(rng, ("자동차등록증", "자동차 등록증", "자 동 차 등 록 증")))
    values = [
        text.plate(rng),
        pick(rng, ("승용", "승합", "화물")),
        pick(rng, ("자가용", "영업용")),
        pick(rng, text.CAR_MODELS),
        f"GX-{text.digits(rng, 4)}",
        str(whole(rng, 2005, 2024)),
        f"SYN{text.digits(rng, 12)}",
        f"E{text.digits(rng, 3)}",
        text.address(rng),
        text.person(rng),
        text.born(rng),
    ]
    pairs: list[Pair] = list(zip(CAR_FIELDS, values, strict=True))
    per_row = pick(rng, (2, 2, 3))
    sheet.fields([pairs[i : i + per_row] for i in range(0, len(pairs), per_row)])
    sheet.say("자동차관리법에 따라 위와 같이 등록하였음을 증명합니다.")
    grid = [
        tuple(word for spec in row for word in (spec, text.digits(rng, 4)))
        for row in (CAR_SPECS[i : i + 3] for i in range(0, 9, 3))
    ]
    header = ("제원", "값") * 3
    sheet.table((1.2, 1, 1.2, 1, 1.2, 1), header, grid)
    if sheet.remaining > sheet.row * 7:
        checks = [
            (text.date(rng), text.date(rng), text.digits(rng, 6), "")
            for _ in range(whole(rng, 2, 4))
        ]
        sheet.table((2, 2, 2, 1), ("검사일", "만료일", "주행거리", "확인"), checks)
    signature(sheet, f"{pick(rng, text.PLACES)}시장", "담당")
    return Flat(sheet.image)
