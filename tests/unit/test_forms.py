"""What forms say, as browsers send it."""

import threading
from urllib.parse import unquote_to_bytes, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from web.forms import form_of, text_in
from web.refusals import BadRequest, TextTooLong


def sent(body: bytes) -> Request:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


@given(st.lists(st.tuples(st.text(), st.text())))
async def test_what_was_typed_is_read_again(fields: list[tuple[str, str]]) -> None:
    fields = [
        (name.encode("utf-8", "replace").decode(), text.encode("utf-8", "replace").decode()) for name, text in fields
    ]
    expected: dict[str, list[str]] = {}
    for name, text in fields:
        expected.setdefault(name, []).append(text)
    assert await form_of(sent(urlencode(fields).encode())) == expected


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("one", ["影", "🎬", "a", "%", " b"])
async def test_a_long_text_is_read_byte_for_byte_wherever_it_is_cut(one: str, before: int) -> None:
    text = "x" * before + one * 50_000
    assert text_in(await form_of(sent(urlencode({"text": text}).encode()))) == text


@pytest.mark.parametrize("one", ["影", "🎬"])
async def test_a_text_as_long_as_one_may_be_is_decoded_beside_the_loop(
    one: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    where: list[threading.Thread] = []

    def decoded(word: bytes) -> bytes:
        where.append(threading.current_thread())
        return unquote_to_bytes(word)

    monkeypatch.setattr("web.forms.unquote_to_bytes", decoded)
    assert len(text_in(await form_of(sent(urlencode({"text": one * 1_000_000}).encode())))) == 1_000_000
    assert threading.main_thread() not in where
    with pytest.raises(TextTooLong):
        text_in(await form_of(sent(urlencode({"text": one * 1_000_001}).encode())))


@pytest.mark.parametrize("body", [b"a=%ff", b"a=\xff", b"&".join([b"a=1"] * 2_001), b"a" * 70_000 + b"=%e7%94"])
async def test_what_is_no_form_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        await form_of(sent(body))


@pytest.mark.parametrize("body", [b"a=%", b"a=%4", b"a=%zz", b"a=" + b"%" * 70_000])
async def test_an_escape_that_is_none_stands_for_itself(body: bytes) -> None:
    assert await form_of(sent(body)) == {"a": [body[2:].decode()]}
