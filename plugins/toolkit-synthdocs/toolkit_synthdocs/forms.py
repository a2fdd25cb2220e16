"""What was filled in: applications, prescriptions, resumes, registrations."""

from __future__ import annotations

from dataclasses import replace

from toolkit_synthdocs import text
from toolkit_synthdocs.blocks import (
    closing,
    person_fields,
    photo,
    signature,
    tick_rows,
)
from toolkit_synthdocs.dice import RGB, Rng, between, blend, chance, pick, shuffled, whole
from toolkit_synthdocs.marks import square_code, waves
from toolkit_synthdocs.paper import Flat, Pair, Sheet
from toolkit_synthdocs.style import ACCENTS, Taste, page_style

FAMILY = Taste(((252, 236, 240), (250, 230, 236), (255, 250, 250)), ((196, 70, 120), (170, 60, 90)))
DOSES = Taste(((240, 246, 238), (255, 255, 255)), ((96, 72, 140), (24, 120, 130)))
OFFICE = Taste(((255, 255, 255), (250, 250, 247)), ((20, 20, 24), (70, 76, 84)))
ROAD = Taste(((226, 240, 228), (236, 240, 222)), ((60, 130, 60), (110, 120, 50)))


def pregnancy_application(rng: Rng) -> Flat:
    """A form full of check boxes."""
    sheet = Sheet(rng, page_style(rng, taste=FAMILY))
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
    person_fields(sheet, rows=1)
    tone = blend(sheet.style.paper, sheet.style.accent, between(rng, 0.2, 0.5))
    for label, options in shuffled(rng, asked)[: whole(rng, 4, 6)]:
        if sheet.remaining > sheet.row * 7:
            tick_rows(sheet, label, options, pick(rng, (2, 3, 3)), tone)
    sheet.skip(0.5)
    sheet.fields([[("은행", text.bank(rng)), ("계좌", text.account(rng))]])
    signature(sheet, f"{pick(rng, text.PLACES)}공단 이사장 귀하", "신청인")
    closing(sheet)
    return Flat(sheet.image)


def prescription(rng: Rng) -> Flat:
    """A large sign and a table of drugs with narrow columns of doses under a coloured head."""
    style = page_style(rng, slip=0.0, taste=DOSES)
    sheet = Sheet(rng, replace(style, grid="full", line=2))
    owner = text.hospital(rng)
    sheet.letterhead(owner)
    top = sheet.y
    sheet.heading(pick(rng, ("처방전", "처 방 전", "원외처방전")))
    if sheet.style.align != "center" or sheet.width > sheet.height:
        size = round(sheet.style.title * between(rng, 1.2, 1.6))
        side = sheet.left if sheet.style.align == "right" else sheet.right - size
        square_code(rng, sheet.image, (side, top), size)
        sheet.y = max(sheet.y, top + size + sheet.row * 0.5)
    person_fields(sheet, rows=1)
    _, code = text.disease(rng)
    if chance(rng, 0.7):
        sheet.fields([[("질병분류", code), ("의료기관", owner)]])
    tone = blend(sheet.style.paper, strong(rng, sheet.style.accent), between(rng, 0.6, 0.95))
    sign = sheet.height * between(rng, 0.07, 0.1)
    sheet.write((sheet.left, sheet.y + sign / 2), "Rx", size=sign, name="serif-bold", fill=tone)
    sheet.y += sign
    start = sheet.y
    rows = []
    for _ in range(whole(rng, 3, 8)):
        doses = (str(whole(rng, 1, 3)), str(whole(rng, 1, 3)), str(whole(rng, 3, 30)))
        rows.append((text.drug(rng), *doses, pick(rng, ("식후30분", "식전", "취침전"))))
    blank = ("", "", "", "", "")
    rows += [blank] * whole(rng, 0, 3)
    sheet.table((5, 1, 1, 1, 2), ("처방 의약품의 명칭", "1회", "1일", "일수", "용법"), rows, tone)
    end = start + sheet.row * (len(rows) + 1)
    sheet.draw.rectangle((sheet.left, start, sheet.right, end), None, tone, 5)
    if chance(rng, 0.6):
        sheet.fields([[("조제약국", text.pharmacy(rng)), ("조제약사", text.person(rng))]])
    signature(sheet, owner, "처방의")
    closing(sheet)
    return Flat(sheet.image)


def strong(rng: Rng, accent: RGB) -> RGB:
    """The page's accent, unless it has none to speak of."""
    return accent if max(accent) - min(accent) > 30 else pick(rng, ACCENTS[:4])


def resume(rng: Rng) -> Flat:
    """A photo beside the first fields, and a life in tables."""
    sheet = Sheet(rng, page_style(rng, landscape=0.08, slip=0.0, taste=OFFICE))
    sheet.heading(pick(rng, ("이력서", "이 력 서", "이  력  서", "입사지원서")))
    width = round(min(sheet.wide, sheet.height * 0.7) * between(rng, 0.23, 0.3))
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
    style = page_style(rng, landscape=0.6, slip=0.0, taste=ROAD)
    style = replace(style, frame="double", grid="full", row=between(rng, 1.5, 1.9))
    sheet = Sheet(rng, style)
    tone = blend(style.paper, strong(rng, style.accent), between(rng, 0.35, 0.6))
    waves(rng, sheet.draw, style.size, tone)
    inset = style.margin * 0.4
    box = (inset, inset, sheet.width - inset, sheet.height - inset)
    sheet.draw.rectangle(box, None, blend(style.paper, strong(rng, style.accent), 0.8), 7)
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
