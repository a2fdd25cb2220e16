"""The 17 classes in label order, and how many images each has."""

from __future__ import annotations

CLASSES = (
    "account_number",
    "application_for_payment_of_pregnancy_medical_expenses",
    "car_dashboard",
    "confirmation_of_admission_and_discharge",
    "diagnosis",
    "driver_license",
    "medical_bill_receipts",
    "medical_outpatient_certificate",
    "national_id_card",
    "passport",
    "payment_confirmation",
    "pharmaceutical_receipt",
    "prescription",
    "resume",
    "statement_of_opinion",
    "vehicle_registration_certificate",
    "vehicle_registration_plate",
)

# The rare classes; every other one has FULL_COUNT training images, 1,570 in all.
FULL_COUNT = 100
RARE_COUNTS = {1: 46, 13: 74, 14: 50}

# At any scale a class keeps at least four images with the right label: one may get a wrong one.
FEWEST = 5
TEST_PER_TRAIN = 2  # of every class, so that both have the same distribution
WRONG_LABELS = 0.005  # share of the training rows


def train_counts(scale: float) -> tuple[int, ...]:
    """Training images of each class."""
    full = (RARE_COUNTS.get(label, FULL_COUNT) for label in range(len(CLASSES)))
    return tuple(max(FEWEST, round(count * scale)) for count in full)


def wrong_label_count(train_rows: int) -> int:
    return max(1, round(WRONG_LABELS * train_rows))
