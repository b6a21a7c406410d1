"""In which language a request is answered."""

from collections.abc import Iterator

from starlette.requests import HTTPConnection

from services.i18n import ENGLISH, Translation
from web.given import services_of


def words_of(connection: HTTPConnection) -> Translation:
    """Return the words for the answer: in the best of the client's languages that there is, else in English."""
    catalogues = services_of(connection).catalogues
    for language in wanted(connection.headers.get("accept-language", "")):
        if catalogues.known(language):
            return catalogues.of(language)
    return ENGLISH


def wanted(header: str) -> list[str]:
    """Return the languages of an ``Accept-Language`` header (RFC 9110, section 12.5.4), best first."""
    weighted = sorted(_weighted(header), key=lambda one: one[1], reverse=True)
    return [language for language, weight in weighted if weight > 0]


def _weighted(header: str) -> Iterator[tuple[str, float]]:
    for part in header.split(","):
        language, _, parameter = part.partition(";")
        name, _, value = parameter.partition("=")
        try:
            weight = float(value) if name.strip().lower() == "q" else 1.0
        except ValueError:
            continue
        if language.strip():
            yield language.strip(), weight
