"""What HTTP clients are told of the process, and how every error is answered."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from services.errors import ShuttingDown, StoreUnavailable
from services.i18n import Catalogues
from services.store.store import Store
from tests.unit.conftest import Run
from web.app import make_app
from web.context import Services
from web.words import wanted


@pytest.fixture
async def http(run: Run) -> AsyncIterator[httpx.AsyncClient]:
    async with run() as manager:
        app = make_app(Services(manager=manager, catalogues=await asyncio.to_thread(Catalogues.load)))

        @app.get("/bug")
        async def bug() -> None:
            raise ZeroDivisionError("a secret")

        @app.get("/stopping")
        async def stopping() -> None:
            raise ShuttingDown

        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://calibot") as client:
            yield client


async def test_a_process_that_goes_on_is_well_and_ready(http: httpx.AsyncClient) -> None:
    for address in ("/healthz", "/readyz"):
        answer = await http.get(address)
        assert (answer.status_code, answer.json()) == (200, {"success": True, "status": "ok"})


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


async def test_a_refused_method_tells_which_are_taken(http: httpx.AsyncClient) -> None:
    assert (await http.post("/healthz")).headers["allow"] == "GET"


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


async def test_the_description_names_every_route_and_no_page_of_another_site(http: httpx.AsyncClient) -> None:
    description = (await http.get("/openapi.json")).json()
    assert {"/healthz", "/readyz"} <= set(description["paths"])
    assert [(await http.get(page)).status_code for page in ("/docs", "/redoc")] == [404, 404]
