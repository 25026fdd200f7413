"""All that the emulators answer differently. `docs/emulator.md` shows the same list."""

from __future__ import annotations

from api_differences import API
from difference import Difference
from exchange_differences import EXCHANGE
from sign_in_differences import SIGN_IN
from token_differences import TOKENS

SECTIONS: dict[str, tuple[Difference, ...]] = {
    "Sign-in page": SIGN_IN,
    "Exchange of codes and refresh tokens": EXCHANGE,
    "Answers and access tokens": TOKENS,
    "The rest of the API": API,
}
DIFFERENCES = tuple(difference for section in SECTIONS.values() for difference in section)
