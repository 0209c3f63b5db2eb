"""Mask what identifies a customer before a text leaves the house; the queue does not depend on who wrote."""

import re

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
CARD = re.compile(r"\b(?:\d[ -]?){13,19}\b")
PHONE = re.compile(r"(?<!\w)\+?\d[\d /()-]{7,}\d(?!\w)")


def luhn(digits: str) -> bool:
    """Tell whether a row of digits can be a card number: order numbers are as long, and say which queue."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def mask_pii(text: str) -> str:
    """Return the text with addresses, accounts, cards and telephone numbers replaced by what they are."""
    text = EMAIL.sub("[email]", text)
    text = IBAN.sub("[account]", text)
    text = CARD.sub(lambda found: "[card]" if luhn(re.sub(r"\D", "", found[0])) else found[0], text)
    return PHONE.sub("[phone]", text)
