"""What HTTP clients are told of the process, and how every error is answered."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from services.errors import ShuttingDown, StoreUnavailable
from services.store.store import Store
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.web_world import web_world
from web.words import wanted

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def http(run: Run, store: Store, clock: FakeClock) -> AsyncIterator[httpx.AsyncClient]:
    async with run() as manager, web_world(manager, store, clock) as world:

        @world.app.get("/bug", include_in_schema=False)
        async def bug() -> None:
            raise ZeroDivisionError("a secret")

        @world.app.get("/stopping", include_in_schema=False)
        async def stopping() -> None:
            raise ShuttingDown

        yield world.http


async def test_a_process_that_goes_on_is_well_and_ready(http: httpx.AsyncClient) -> None:
    for address in ("/healthz", "/readyz"):
        answer = await http.get(address)
        assert (answer.status_code, answer.json()) == (200, {"success": True, "status": "ok"})


async def test_monitors_that_ask_for_the_head_alone_are_answered(http: httpx.AsyncClient) -> None:
    assert [(await http.head(address)).status_code for address in ("/healthz", "/readyz")] == [200, 200]


async def test_without_its_database_it_is_well_and_not_ready(
    http: httpx.AsyncClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(_: object) -> None:
        raise StoreUnavailable(reason="disk full of secrets")

    monkeypatch.setattr(store, "read", down)
    assert (await http.get("/healthz")).status_code == 200
    answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        503,
        {
            "success": False,
            "error": "Nothing was saved: the bot cannot use its database now. Its owner should look.",
            "code": "store_unavailable",
        },
    )


@pytest.mark.parametrize(
    ("method", "address", "status", "code"),
    [
        ("GET", "/nowhere", 404, "no_such_address"),
        ("GET", "/healthz/", 404, "no_such_address"),
        ("POST", "/healthz", 405, "method_not_taken"),
        ("GET", "/stopping", 503, "shutting_down"),
        ("GET", "/bug", 500, "internal"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh"])
async def test_every_error_has_one_shape_in_the_readers_language(
    method: str, address: str, status: int, code: str, language: str, http: httpx.AsyncClient
) -> None:
    answer = await http.request(method, address, headers={"Accept-Language": language})
    assert answer.status_code == status
    assert answer.json() == {"success": False, "error": answer.json()["error"], "code": code}
    assert answer.json()["error"].isascii() == (language == "en")
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("method", "address", "taken"),
    [
        ("POST", "/healthz", "GET, HEAD"),
        ("PATCH", "/api/notes/1", "GET, HEAD, PUT, DELETE"),
        ("HEAD", "/logout", "POST"),
        ("DELETE", "/login/x", "GET, HEAD, POST"),
    ],
)
async def test_a_refused_method_tells_all_that_are_taken(
    method: str, address: str, taken: str, http: httpx.AsyncClient
) -> None:
    answer = await http.request(method, address)
    assert (answer.status_code, answer.headers["allow"]) == (405, taken)


@pytest.mark.parametrize("address", ["/", "/docs", "/api/notes", "/static/page.css", "/nowhere", "/openapi.json"])
async def test_the_head_of_an_answer_is_the_same_without_its_body(address: str, http: httpx.AsyncClient) -> None:
    whole, head = await http.get(address), await http.head(address)
    assert (head.status_code, head.headers, head.content) == (whole.status_code, whole.headers, b"")


async def test_a_bug_is_answered_with_what_every_answer_tells_browsers(
    http: httpx.AsyncClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: object) -> None:
        raise RuntimeError("a secret of a dependency")

    well = await http.get("/readyz")
    monkeypatch.setattr(store, "read", broken)
    answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text
    guards = set(well.headers.items()) - {("content-length", well.headers["content-length"])}
    assert guards <= set(answer.headers.items())
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize(
    ("header", "chinese"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", True),
        ("en-US,en;q=0.9,zh;q=0.8", False),
        ("fr, zh;q=0.1, en;q=0.05", True),
        ("ZH-Hant", True),
        ("zh;q=0, en;q=0.5", False),
        ("fr", False),
        ("*", False),
        ("", False),
        (";;q=,=,zh;q=ten", False),
    ],
)
async def test_the_best_of_the_readers_languages_is_spoken(header: str, chinese: bool, http: httpx.AsyncClient) -> None:
    answer = await http.get("/nowhere", headers={"Accept-Language": header})
    assert answer.json()["error"].isascii() is not chinese


def test_languages_of_one_weight_keep_their_order() -> None:
    assert wanted("fr;q=0.5, de, zh ; q=0.5, en;q=1.0") == ["de", "en", "fr", "zh"]


async def test_every_route_is_described_in_the_docs(http: httpx.AsyncClient) -> None:
    paths = (await http.get("/openapi.json")).json()["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    page = await asyncio.to_thread((ROOT / "docs" / "api.md").read_text, "utf-8")
    assert routes == set(re.findall(r"`((?:GET|POST|PUT|DELETE) /[^`]+)`", page))


async def test_the_description_tells_each_refusal_in_the_one_shape_and_none_of_the_frameworks(
    http: httpx.AsyncClient,
) -> None:
    described = (await http.get("/openapi.json")).json()
    assert {"HTTPValidationError", "ValidationError"}.isdisjoint(described["components"]["schemas"])
    for methods in described["paths"].values():
        for route in methods.values():
            refused = {status: one for status, one in route["responses"].items() if status != "200"}
            shapes = {one["content"]["application/json"]["schema"]["$ref"] for one in refused.values()}
            assert shapes == {"#/components/schemas/Refused"}
            assert "422" not in refused
            assert refused["503"]


async def test_the_description_is_a_page_without_scripts_that_has_every_route_and_shape(
    http: httpx.AsyncClient,
) -> None:
    described = (await http.get("/openapi.json")).json()
    page = await http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page.text)
    for path, methods in described["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in page.text
    for name in described["components"]["schemas"]:
        assert f'id="{name}"' in page.text
    assert not [one for one in re.findall(r'href="#([^"]+)"', page.text) if f'id="{one}"' not in page.text]
    assert (await http.get("/redoc")).status_code == 404
