"""Invented content: no person, place, firm, drug or number here is meant to be a real one."""

from __future__ import annotations

from toolkit_synthdocs.dice import Rng, between, chance, pick, whole

SURNAMES = "김이박최정강조윤장임한오서신권황안송류홍"
GIVEN = "가나다라마바사하은서지민준도윤하린채원유솔별빛결온누리담해봄찬율"
PLACES = ("가온", "누리", "다솔", "마루", "바름", "새벗", "아람", "해든", "별솔", "늘봄", "온새")
CLINICS = ("병원", "의원", "내과의원", "정형외과의원", "산부인과의원", "종합병원", "이비인후과")
COMPANIES = ("상사", "물산", "소프트", "전자", "유통", "건설", "디자인", "연구소")
DISEASES = (
    ("급성 위염", "K29"),
    ("요추 염좌", "S33"),
    ("상세불명의 폐렴", "J18"),
    ("편도염", "J03"),
    ("무릎 관절증", "M17"),
    ("발목 골절", "S82"),
    ("본태성 고혈압", "I10"),
    ("제2형 당뇨병", "E11"),
    ("대상포진", "B02"),
    ("손목 터널 증후군", "G56"),
)
SYLLABLES = "가나다라로모비세타파큐제니오렉신"
FORMS = ("정", "캡슐", "시럽", "연고", "액", "서방정")
ROMAN = ("KIM", "LEE", "PARK", "CHOI", "JUNG", "KANG", "YOON", "HAN")
ROMAN_GIVEN = ("GAON", "NURI", "DASOL", "HAEDEUN", "BYEOL", "ONSAE", "MARU", "SEOBIN")
PHRASES = (
    "상기 환자는 위 병명으로 본원에서 치료를 받았으며",
    "증상의 호전을 보여 경과 관찰이 필요함",
    "향후 약 4주간의 안정가료를 요함",
    "보존적 치료 후 통증이 감소하였으나",
    "추가 검사와 외래 추적 관찰을 권고함",
    "일상 생활에 지장이 있을 수 있음",
    "합병증 발생 시 재판정이 필요할 수 있음",
    "수술적 치료 여부는 경과에 따라 결정함",
    "무리한 운동을 피하고 약물을 복용할 것",
    "본 서류는 제출용으로 발급된 것임",
)
NOTES = (
    "※ 본 서식은 견본이며 효력이 없습니다.",
    "※ 기재 사항을 정정한 경우 무효로 합니다.",
    "※ 문의 사항은 담당 창구로 연락 바랍니다.",
    "※ 직인이 없는 서류는 인정되지 않습니다.",
    "※ 뒷면의 유의사항을 확인하시기 바랍니다.",
)
CAR_MODELS = ("가람 1.6", "누비라온", "다솔 SUV", "마루 EV", "바람 2.0", "해든 밴")
PLATE_LETTERS = "가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주하허호"


def digits(rng: Rng, count: int) -> str:
    return "".join(str(digit) for digit in rng.integers(0, 10, count))


def person(rng: Rng) -> str:
    return pick(rng, SURNAMES) + pick(rng, GIVEN) + pick(rng, GIVEN)


def roman_person(rng: Rng) -> tuple[str, str]:
    """Surname and given name in Latin capitals."""
    return pick(rng, ROMAN), pick(rng, ROMAN_GIVEN)


def date(rng: Rng) -> str:
    year, month, day = whole(rng, 2018, 2024), whole(rng, 1, 12), whole(rng, 1, 28)
    style = whole(rng, 0, 2)
    if style == 0:
        return f"{year}.{month:02}.{day:02}"
    return f"{year}-{month:02}-{day:02}" if style == 1 else f"{year}년 {month}월 {day}일"


def born(rng: Rng) -> str:
    """Six digits of a birthday and a masked rest."""
    year, month, day = whole(rng, 50, 99), whole(rng, 1, 12), whole(rng, 1, 28)
    return f"{year}{month:02}{day:02}-{whole(rng, 1, 2)}******"


def phone(rng: Rng) -> str:
    return f"0{whole(rng, 10, 19)}-0{digits(rng, 3)}-{digits(rng, 4)}"  # no number starts so


def address(rng: Rng) -> str:
    city, street = pick(rng, PLACES), pick(rng, PLACES)
    return (
        f"{city}시 {street}구 {pick(rng, PLACES)}로 {whole(rng, 1, 199)}, {whole(rng, 101, 1204)}호"
    )


def hospital(rng: Rng) -> str:
    return pick(rng, PLACES) + pick(rng, PLACES) + pick(rng, CLINICS)


def pharmacy(rng: Rng) -> str:
    return pick(rng, PLACES) + pick(rng, PLACES) + "약국"


def bank(rng: Rng) -> str:
    return pick(rng, PLACES) + pick(rng, PLACES) + "은행"


def company(rng: Rng) -> str:
    return pick(rng, PLACES) + pick(rng, PLACES) + pick(rng, COMPANIES)


def disease(rng: Rng) -> tuple[str, str]:
    """Name and code."""
    name, code = pick(rng, DISEASES)
    return name, f"{code}.{whole(rng, 0, 9)}"


def drug(rng: Rng) -> str:
    stem = "".join(pick(rng, SYLLABLES) for _ in range(whole(rng, 3, 5)))
    return f"{stem}{pick(rng, FORMS)} {pick(rng, (5, 10, 20, 50, 100, 250))}mg"


def won(rng: Rng, low: int = 1000, high: int = 900_000) -> str:
    """An amount, ten at a time, spread evenly over the magnitudes."""
    amount = low * (high / low) ** between(rng, 0, 1)
    return f"{round(amount / 10) * 10:,}"


def account(rng: Rng) -> str:
    groups = pick(rng, ((3, 6, 5), (3, 2, 6), (4, 3, 6), (6, 2, 6)))
    return "-".join(digits(rng, count) for count in groups)


def plate(rng: Rng) -> str:
    return f"{whole(rng, 10, 399)}{pick(rng, PLATE_LETTERS)} {digits(rng, 4)}"


def sentences(rng: Rng, count: int) -> list[str]:
    return [pick(rng, PHRASES) + (". " if chance(rng, 0.6) else ", ") for _ in range(count)]


def note(rng: Rng) -> str:
    return pick(rng, NOTES)
