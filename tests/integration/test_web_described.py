"""Whatever the API's description allows, and what it does not, is answered as the description says."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.errors import InvalidSchema
from schemathesis.core.result import Err, Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.torrents import NoteId
from tests.integration.web_help import FOUND, NOTES, Site, served
from tests.unit.web_world import ALICE

_CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
_SETTINGS = settings(
    max_examples=30,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
_NOTHING_FOUND = ("POST /api/calibrate/{note_id}", 502)
"""No error of ours: a torrent that has no name."""
Route = APIOperation[Any, Any, Any, Any]
_NO_MATTER = {"/healthz", "/readyz"}
"""They take nothing: there is nothing to be wrong about."""


@pytest.mark.timeout(60)
async def test_whatever_is_asked_is_answered_as_the_description_says(tmp_path: Path) -> None:
    async with served(tmp_path) as site:
        statuses = await asyncio.to_thread(_ask_all, site)
    answered_well = {route for route, seen in statuses.items() if seen[200]}
    assert answered_well == set(statuses), "each route has done what it is for, too"
    assert sum(seen.total() for seen in statuses.values()) > 500


def _ask_all(site: Site) -> dict[str, Counter[int]]:
    """Ask each route in both ways; return the statuses of its answers. Raises what schemathesis finds."""
    statuses = {}
    with requests.Session() as session:
        session.trust_env = False
        described = session.get(f"{site.address}/openapi.json", timeout=10).json()
        for found in schemathesis.openapi.from_dict(described).get_all_operations():
            route = _route(found)
            seen = statuses[route.label] = Counter[int]()
            _ask(route, GenerationMode.POSITIVE, _asking(site, session, seen, known=_known(site, route.label)))
            if route.path not in _NO_MATTER:
                _ask(route, GenerationMode.NEGATIVE, _asking(site, session, seen, known={}))
    return statuses


def _route(found: Ok[Route] | Err[InvalidSchema]) -> Route:
    assert isinstance(found, Ok), found
    return found.ok()


def _ask(route: Route, mode: GenerationMode, asking: Callable[[Case[Any]], None]) -> None:
    given(route.as_strategy(generation_mode=mode))(_SETTINGS(asking))()


def _asking(
    site: Site, session: requests.Session, seen: Counter[int], known: dict[str, Sequence[object]]
) -> Callable[[Case[Any]], None]:
    random = Random(4711)
    headers = {"Authorization": f"Bearer {site.tokens[ALICE]}"}

    def ask(case: Case[Any]) -> None:
        for inputs in (case.path_parameters, case.body):
            if isinstance(inputs, dict) and random.random() < 0.75:  # else of what is not there
                inputs |= {name: random.choice(values) for name, values in known.items() if name in inputs}
        answer = case.call(base_url=site.address, headers=headers, session=session, timeout=10)
        seen[answer.status_code] += 1
        nothing_found = (case.operation.label, answer.status_code) == _NOTHING_FOUND
        case.validate_response(answer, checks=_CHECKS if nothing_found else [not_a_server_error, *_CHECKS])

    return ask


def _known(site: Site, route: str) -> dict[str, Sequence[object]]:
    """Return what there is, by the names under which it is asked for."""
    notes = [site.undoable] if route.endswith("/undo") else [NoteId(number) for number in range(1, NOTES + 1)]
    return {
        "note_id": notes,
        "note_ids": [notes[:1], notes[:2]],
        "version": [1, 2, 3],
        "task_id": site.tasks,
        "info_hash": [FOUND.shown.hex],
        "info_hashes": [[FOUND.shown.hex, "1" * 40]],
        "text": ["words", "\ud83d\ude00 magnet:?xt=urn:btih:" + "2" * 40],
    }
