"""The control page: switches, what was asked, and what happens at Kakao without the portal."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from html import escape

from examples.providers.kakao import Kakao
from examples.providers.pages import document
from examples.providers.provider import Provider
from examples.providers.seen import Seen
from examples.providers.switches import Switch, Value
from examples.providers.web import Answer, Request, as_json, as_page, redirect

SHOWN = 50


class Control:
    """``GET /``, ``GET /requests``, ``GET /environment``; ``POST /switch``, ``POST /reset``, ``POST /unlink``."""

    def __init__(self, providers: Mapping[str, Provider], environment: Callable[[], Mapping[str, str]]) -> None:
        self._providers = providers
        self._environment = environment
        self._said = ""

    def answer(self, request: Request) -> Answer:
        """Answer what arrived at the control page's address."""
        match request.method, request.path:
            case "GET", "/":
                return as_page(self._page())
            case "GET", "/requests":
                return as_json([{"provider": name, **asdict(each)} for name, each in self._requests()])
            case "GET", "/environment":
                lines = "".join(f"{name}={value}\n" for name, value in self._environment().items())
                return Answer(200, lines.encode(), {"Content-Type": "text/plain; charset=utf-8"})
            case "POST", "/switch" | "/reset" | "/unlink":
                return self._change(request)
        return as_json({"error": "not_found"}, 404)

    def _change(self, request: Request) -> Answer:
        try:
            provider = self._providers[request["provider"] or "kakao"]
            match request.path:
                case "/switch":
                    provider.switch(request["name"], request["value"])
                    self._said = f"{provider.name}: {request['name']} = {request['value'] or 'off'}"
                case "/reset":
                    provider.reset()
                    self._said = f"{provider.name}: reset"
                case "/unlink" if isinstance(provider, Kakao):
                    self._said = self._unlink(provider, request["person"])
        except (KeyError, ValueError) as error:
            return as_json({"error": "invalid_request", "error_description": str(error)}, 400)
        return redirect(f"/#{provider.name}")

    @staticmethod
    def _unlink(kakao: Kakao, person: str) -> str:
        try:
            return f"kakao: told {kakao.webhook}, which answered {kakao.unlink_at_kakao(person)}"
        except OSError as error:
            return f"kakao: could not reach {kakao.webhook} ({error})"

    def _requests(self) -> list[tuple[str, Seen]]:
        return [(name, each) for name, provider in self._providers.items() for each in list(provider.requests)]

    def _page(self) -> str:
        parts = ["<h1>Stand-ins</h1>", f"<p role=status>{escape(self._said)}</p>" if self._said else ""]
        parts += [self._provider(provider) for provider in self._providers.values()]
        return document("Stand-ins", "\n".join(parts), is_wide=True)

    def _provider(self, provider: Provider) -> str:
        switches = "\n".join(_row(provider, switch) for switch in provider.switches)
        asked = "\n".join(_asked(each) for each in list(provider.requests)[-SHOWN:][::-1])
        addresses = ", ".join(site.url for site in provider.sites.values())
        is_on = any(provider.switches[switch.name] for switch in provider.switches)
        return f"""<h2 id="{provider.name}">{escape(provider.title)} <small>{addresses}</small></h2>
<details{" open" if is_on else ""}><summary>Switches</summary>
<table>{switches}</table>
{_form("reset", provider.name, "", "Reset, forget who agreed and what was asked")}
</details>
{_unlink_form(provider) if isinstance(provider, Kakao) else ""}
<details><summary>{len(provider.requests)} requests</summary><table>{asked}</table></details>"""


def _form(action: str, provider: str, fields: str, label: str) -> str:
    return (
        f'<form method="post" action="/{action}"><input type="hidden" name="provider" value="{provider}">'
        f"{fields} <button>{escape(label)}</button></form>"
    )


def _row(provider: Provider, switch: Switch) -> str:
    value = _written(provider.switches[switch.name])
    name = f'<input type="hidden" name="name" value="{switch.name}">'
    label = f'aria-label="{switch.name}"'
    if switch.is_free or switch.values is None:
        kind = 'type="number" min="0" step="any"' if switch.values is None else 'type="text"'
        field = f'<input {kind} name="value" {label} value="{escape(value)}">'
    else:
        options = "".join(_option(each, value) for each in ("", "on", *switch.values))
        field = f'<select name="value" {label}>{options}</select>'
    form = _form("switch", provider.name, name + field, "Set")
    return f"<tr><th>{switch.name}<td>{escape(switch.meaning)}<td>{form}"


def _option(value: str, selected: str) -> str:
    return f'<option value="{value}"{" selected" if value == selected else ""}>{value or "off"}</option>'


def _written(value: Value) -> str:
    return {True: "on", False: ""}[value] if isinstance(value, bool) else str(value)


def _unlink_form(kakao: Kakao) -> str:
    options = "".join(f'<option value="{key}">{escape(person.korean)}' for key, person in kakao.people.items())
    field = f'<select name="person" aria-label="person">{options}</select>'
    return _form("unlink", kakao.name, field, "Unlink at Kakao (calls the webhook)")


def _asked(each: Seen) -> str:
    values = json.dumps(each.parameters, ensure_ascii=False) if each.parameters else ""
    cells = (each.kind, f"{each.method} {each.path}", values, each.authorization)
    return "<tr>" + "".join(f"<td>{escape(cell)}" for cell in cells)
