"""Templates compiled once per process: most of a test's time would go into compiling them for its own portal."""

from types import CodeType

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from app import Portal


class CompiledTemplates(BytecodeCache):
    """Keeps the code of templates by their name and what they say."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give the code if this very template was compiled before."""
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code."""
        if bucket.code is not None:
            self._codes[bucket.key, bucket.checksum] = bucket.code


def compile_once() -> None:
    """Have the portals of this process share what they compile."""
    Portal.jinja_options = {**Flask.jinja_options, "bytecode_cache": CompiledTemplates()}
