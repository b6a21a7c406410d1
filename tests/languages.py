"""The languages that there are, read once for all tests."""

from services.i18n import ENGLISH, Catalogues

CATALOGUES = Catalogues.load()
CHINESE = CATALOGUES.of("zh")
ALL = {"en": ENGLISH, "zh": CHINESE}
