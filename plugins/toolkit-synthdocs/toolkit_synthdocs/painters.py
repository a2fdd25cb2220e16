"""One image of the competition: its class's painter, the camera, and for the test its damage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from PIL import Image

from toolkit_synthdocs import bills, cards, certificates, forms, scenes, screens
from toolkit_synthdocs.camera import finish, photograph
from toolkit_synthdocs.classes import CLASSES
from toolkit_synthdocs.degrade import Pixels, array, degrade
from toolkit_synthdocs.dice import Rng, chance, whole
from toolkit_synthdocs.paper import Flat
from toolkit_synthdocs.resize import resized

Split = Literal["train", "test"]
SPLITS: tuple[Split, Split] = ("train", "test")

SHEETS: dict[str, Callable[[Rng], Flat]] = {
    "account_number": cards.account_number,
    "application_for_payment_of_pregnancy_medical_expenses": forms.pregnancy_application,
    "confirmation_of_admission_and_discharge": certificates.admission,
    "diagnosis": certificates.diagnosis,
    "driver_license": cards.driver_license,
    "medical_bill_receipts": bills.medical_bill,
    "medical_outpatient_certificate": certificates.outpatient,
    "national_id_card": cards.national_id,
    "passport": cards.passport,
    "payment_confirmation": lambda rng: payment_confirmation(rng),
    "pharmaceutical_receipt": bills.pharmacy_receipt,
    "prescription": forms.prescription,
    "resume": forms.resume,
    "statement_of_opinion": certificates.opinion,
    "vehicle_registration_certificate": forms.vehicle_registration,
}
SCENES: dict[str, Callable[[Rng], Image.Image]] = {
    "car_dashboard": scenes.dashboard,
    "vehicle_registration_plate": scenes.plate,
}


def payment_confirmation(rng: Rng) -> Flat:
    return screens.payment_screen(rng) if chance(rng, 0.3) else bills.payment_slip(rng)


def image(seed: int, split: Split, label: int, index: int) -> Pixels:
    """The image `index` of a class and split, (H, W, 3), RGB: a function of these four alone."""
    rng = np.random.default_rng([seed, SPLITS.index(split), label, index])
    pixels = clean(rng, label)
    if split == "train":
        return pixels

    def second_page() -> Pixels:
        return clean(rng, (label + whole(rng, 1, len(CLASSES) - 1)) % len(CLASSES))

    return degrade(pixels, rng, second_page)


def clean(rng: Rng, label: int) -> Pixels:
    name = CLASSES[label]
    if name in SCENES:
        scene = SCENES[name](rng)
        half = (scene.width // 2, scene.height // 2)
        scene = resized(scene, half, Image.Resampling.BOX)
        return array(finish(scene, rng))
    return array(photograph(SHEETS[name](rng), rng))
