"""A portal in this process, at which the self-check looks through something that spoils answers, as a proxy can."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.utils import formatdate
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from werkzeug.test import Client, TestResponse

from app.selfcheck import visitor
from app.selfcheck.findings import Finding, Outcome
from app.selfcheck.run import run
from app.services.delivery.exchange import WholeAnswer

Spoil = Callable[[requests.PreparedRequest, WholeAnswer], WholeAnswer]


def honest(_: requests.PreparedRequest, answer: WholeAnswer) -> WholeAnswer:
    """Change nothing."""
    return answer


@contextmanager
def in_process(app: Flask, patch: pytest.MonkeyPatch, spoil: Spoil = honest) -> Iterator[list[str]]:
    """Have the visitors of a self-check ask ``app``; yields the paths they asked for."""
    asked: list[str] = []

    def answer(request: requests.PreparedRequest) -> WholeAnswer:
        parts = urlsplit(request.url or "")
        asked.append(parts.path)
        response: TestResponse = Client(app, use_cookies=False).open(
            parts.path,
            method=request.method or "GET",
            query_string=parts.query,
            data=request.body or None,
            headers=dict(request.headers),
            base_url=f"{parts.scheme}://{parts.netloc}",
        )
        headers = [*response.headers.items(), ("Date", formatdate(usegmt=True)), ("Server", "portal")]
        return spoil(request, WholeAnswer(response.status_code, "", headers, response.data))

    # In a thread of its own, as a server would: nothing of whoever asks is there.
    with ThreadPoolExecutor(1) as server:
        patch.setattr(visitor, "fetch", lambda request, **_: server.submit(answer, request).result())
        yield asked


def checked(app: Flask, **options: object) -> dict[str, Finding]:
    """What a whole run finds, by name."""
    with app.app_context():
        return {finding.name: finding for finding in run(app.extensions["services"], **options)}


def red(findings: dict[str, Finding]) -> set[str]:
    """The names of those that failed."""
    return {name for name, finding in findings.items() if finding.outcome is Outcome.FAILED}
