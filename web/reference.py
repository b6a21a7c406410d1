"""``/docs``: the OpenAPI description as a page. FastAPI's own loads scripts of another site."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response

from web.given import services_of
from web.labels import labels
from web.words import words_of

router = APIRouter(include_in_schema=False)
_REF = "#/components/schemas/"
_TOLD = frozenset({"title", "description"})
Json = Mapping[str, Any]


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Return the routes and shapes of the API, for people."""
    described: Json = request.app.openapi()
    return services_of(request).html.page(
        "reference.html",
        say=labels(words_of(request)),
        routes=list(_routes(described)),
        shapes=[_shape(name, one) for name, one in described["components"]["schemas"].items()],
    )


def _routes(described: Json) -> Iterator[Json]:
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            body = route.get("requestBody", {}).get("content", {}).get("application/json", {})
            answer = route["responses"].get("200", {}).get("content", {}).get("application/json", {})
            yield {
                "method": method.upper(),
                "path": path,
                "about": route.get("description", ""),
                "parameters": [
                    {
                        "name": one["name"],
                        "place": one["in"],
                        "required": one.get("required", False),
                        "schema": _said(one["schema"]),
                    }
                    for one in route.get("parameters", ())
                ],
                "body": _link(body.get("schema", {})),
                "answer": _link(answer.get("schema", {})),
                "refused": sorted(set(route["responses"]) - {"200"}),
            }


def _shape(name: str, shape: Json) -> Json:
    required = shape.get("required", ())
    return {
        "name": name,
        "about": shape.get("description", ""),
        "fields": [
            {"name": field, "required": field in required, "said": _said(one), "link": _link(one)}
            for field, one in shape.get("properties", {}).items()
        ],
    }


def _link(schema: Json) -> str:
    """Return the name of the shape that *schema* is, or is a list of, or may be; empty where it is none."""
    for one in (schema, schema.get("items", {}), *schema.get("anyOf", ())):
        if "$ref" in one:
            return str(one["$ref"]).removeprefix(_REF)
    return ""


def _said(schema: Json) -> str:
    """Return a schema in one line (JSON Schema)."""
    return json.dumps({key: value for key, value in schema.items() if key not in _TOLD}, ensure_ascii=False)
