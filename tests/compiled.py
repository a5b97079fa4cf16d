"""What every portal compiles alike, compiled once per process: most of a test's time would go into doing it again."""

from collections.abc import Callable
from types import CodeType
from typing import Any, ClassVar

import sqlalchemy as sa
from babel import Locale, support
from babel.support import Translations
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from joserfc.jwk import RSAKey
from sqlalchemy.orm import Mapper
from werkzeug.routing import Rule

from app import Portal
from app.services.people import passwords


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


class CompiledRule(Rule):
    """Keeps what a route is compiled to, which depends on nothing but what is part of the key."""

    _compiled: ClassVar[dict[tuple[object, ...], dict[str, object]]] = {}

    def compile(self) -> None:
        """Take what a rule like this one was compiled to before, or compile it."""
        key = (self.rule, self.subdomain, self.merge_slashes, *sorted((self.defaults or {}).items()))
        if key in self._compiled:
            vars(self).update(self._compiled[key])
            return
        super().compile()
        parts = ("arguments", "_parts", "_trace", "_converters", "_build", "_build_unknown")
        self._compiled[key] = {name: vars(self)[name] for name in parts}


class CheckedKeys(RSAKey.binding):
    """Keeps the RSA keys that OpenSSL has looked through for mistakes, which takes it as long as a whole login."""

    _checked: ClassVar[dict[tuple[tuple[str, str], ...], RSAPrivateKey]] = {}

    @classmethod
    def import_private_key(cls, obj: dict[str, Any]) -> RSAPrivateKey:
        """The private key of a JWK."""
        jwk = tuple(sorted((name, str(value)) for name, value in obj.items()))
        if jwk not in cls._checked:
            cls._checked[jwk] = super().import_private_key(obj)
        return cls._checked[jwk]


class CompiledStatements(dict[tuple[Any, ...], Any]):
    """Keeps the SQL of statements by the kind of database instead of by the engine, which every portal has anew."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        """The compiled statement, whichever engine it was compiled for."""
        return super().get((type(key[0]), *key[1:]), default)

    def __setitem__(self, key: tuple[Any, ...], statement: Any) -> None:
        super().__setitem__((type(key[0]), *key[1:]), statement)


class JudgedPasswords:
    """Keeps how hard passwords are to guess: thousands of accounts have the same few."""

    def __init__(self, judge: Callable[..., dict[str, Any]]) -> None:
        self._judge = judge
        self._judged: dict[tuple[str, ...], dict[str, Any]] = {}

    def __call__(self, password: str, user_inputs: list[str]) -> dict[str, Any]:
        """What ``judge`` says, which depends on nothing else."""
        key = (password, *user_inputs)
        if key not in self._judged:
            self._judged[key] = self._judge(password, user_inputs=user_inputs)
        return self._judged[key]


class ReadTranslations(Translations):
    """Keeps the catalogues, which portals only take sentences from."""

    _read: ClassVar[dict[tuple[object, ...], Translations]] = {}

    @classmethod
    def load(cls, dirname: str, locales: list[Locale], domain: str) -> Translations:
        """The catalogue of a directory, as it was when it was first asked for."""
        key = (dirname, *map(str, locales), domain)
        if key not in cls._read:
            cls._read[key] = Translations.load(dirname, locales, domain)
        return cls._read[key]


def compile_once() -> None:
    """Have the portals of this process share what they compile."""
    statements = CompiledStatements()

    @sa.event.listens_for(sa.Engine, "engine_connect")
    def share(connection: sa.Connection) -> None:
        if "compiled_cache" not in connection.get_execution_options():
            connection.execution_options(compiled_cache=statements)
            connection.engine.update_execution_options(compiled_cache=statements)

    # What a session flushes is kept apart, by the mapper.
    Mapper._compiled_cache = statements
    RSAKey.binding = CheckedKeys
    support.Translations = ReadTranslations
    passwords.zxcvbn = JudgedPasswords(passwords.zxcvbn)
    Portal.jinja_options = {**Flask.jinja_options, "bytecode_cache": CompiledTemplates()}
    Portal.url_rule_class = CompiledRule
