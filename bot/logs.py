"""Logs: one line an event, without the token and without what people write."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog


def configure(token: str, least: int = logging.INFO, *, json: bool = False) -> None:
    """Send structlog's and the libraries' logs of level *least* and up to standard error, *token* always replaced.

    A line is an event: ``key='value'`` pairs, or a *json* object.
    """

    def render(logger: object, name: str, event: MutableMapping[str, Any]) -> str:
        line = str(in_a_line(logger, name, event))
        return line.replace(token, "<token>") if token else line  # the whole line: a value's repr may have it too

    in_a_line: structlog.typing.Processor = structlog.processors.KeyValueRenderer(
        key_order=["timestamp", "level", "event"]
    )
    if json:
        in_a_line = structlog.processors.JSONRenderer(ensure_ascii=False)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(least)
    for library in ("httpx", "httpcore", "apscheduler", "telegram", "uvicorn"):
        logging.getLogger(library).setLevel(max(least, logging.WARNING))  # httpx writes each address at INFO
