"""The pages of the stand-ins, plain on purpose: nobody shall take one for the real thing."""

from html import escape

from examples.providers.people import Person

STYLE = """
:root { color-scheme: light dark; font: 16px/1.6 system-ui, "Noto Sans KR", sans-serif }
body { max-width: 30rem; margin: 2rem auto; padding: 0 1rem }
button { font: inherit; padding: .4rem .8rem }
ul.people { list-style: none; padding: 0 }
ul.people button { width: 100%; margin: .25rem 0; text-align: start }
small { display: block; opacity: .75 }
table { border-collapse: collapse; width: 100% }
td, th { text-align: start; padding: .15rem .5rem .15rem 0; vertical-align: top }
body.wide { max-width: 72rem }
"""

ENGLISH = {
    "lang": "en",
    "title": "Choose an account",
    "note": "This stands in for {}. Nobody’s real account is here.",
    "without": "Do not share my e-mail address",
    "cancel": "Cancel",
    "no_email": "no e-mail address",
    "unverified": "not verified",
    "known": "shared before",
}
KOREAN = {
    "lang": "ko",
    "title": "계정을 선택해 주세요",
    "note": "{} 대신 응답하는 페이지입니다. 실제 계정은 없습니다.",
    "without": "이메일 제공에 동의하지 않음 (선택)",
    "cancel": "취소",
    "no_email": "이메일 없음",
    "unverified": "인증되지 않음",
    "known": "동의함",
}


def choice(title: str, people: list[Person], consents: dict[str, bool], *, is_korean: bool) -> str:
    """The page where one picks somebody. It posts to where it is, so that one POST does the same."""
    words = KOREAN if is_korean else ENGLISH
    buttons = "\n".join(_button(person, words, consents) for person in people)
    body = f"""<h1>{escape(title)}</h1>
<h2>{words["title"]}</h2>
<form method="post">
<ul class="people">
{buttons}
</ul>
<p><label><input type="checkbox" name="without_email" value="1"> {words["without"]}</label></p>
<p><button name="cancel" value="1">{words["cancel"]}</button></p>
</form>
<p><small>{escape(words["note"].format(title))}</small></p>"""
    return document(title, body, words["lang"])


def _button(person: Person, words: dict[str, str], consents: dict[str, bool]) -> str:
    notes = [person.email or words["no_email"]]
    notes += [words["unverified"]] if person.email and not person.is_verified else []
    notes += [words["known"]] if person.key in consents else []
    named = f"{escape(person.korean)} · {escape(person.english)}"
    label = f"{named} <small>{escape(' · '.join(notes))}</small>"
    return f'<li><button name="person" value="{escape(person.key)}">{label}</button>'


def problem(title: str, code: str, text: str) -> str:
    """The page that leads nowhere."""
    return document(title, f"<h1>{escape(title)}</h1>\n<h2>{escape(code)}</h2>\n<p>{escape(text)}</p>")


def document(title: str, body: str, language: str = "en", *, is_wide: bool = False) -> str:
    """A whole page."""
    return f"""<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>{STYLE}</style>
<body{' class="wide"' if is_wide else ""}>
{body}
"""
