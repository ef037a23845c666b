"""Signed jobs: who has no key can neither make a job that runs nor a result that is read.

A job's hash gets a field `sig`, its meta data `meta_sig`, a result `sig`: an HMAC-SHA256 over all that runs or decides what
does (SIGNED), bound to the job's id and its queue; a result to the run. Other RQs leave these fields alone. Set in the
environment of everything that enqueues, works or reads results:

    RQ_SIGNING_KEY_FILE=/etc/rq/keys    lines `id:secret`; the first signs, all are accepted
    RQ_SIGNING_KEYS=k2:...,k1:...       the same, without a file
    RQ_SIGNING=warn                     or require, or off; per queue: `warn,payments=require`

It is checked before anything of a job is unpacked, imported or loaded. `warn` runs what is not signed and says so;
`require` fails it with SignatureError. The modes of queues hold in workers, which know where a job came from; who reads
goes by the first one. `docs/security.md` says what this protects and what not.
"""

from __future__ import annotations

import logging
import os
import re
from binascii import b2a_base64 as _base64
from collections.abc import Iterable, Mapping
from struct import pack as _pack
from typing import Any, NoReturn

from .exceptions import SignatureError, SigningConfigError

__all__ = [
    'MODES',
    'SIGNED',
    'Keys',
    'Signing',
    'as_bytes',
    'configure',
    'load',
    'parse_keys',
    'parse_modes',
    'readable_by_others',
    'shown',
]

KEYS, KEY_FILE, MODE = 'RQ_SIGNING_KEYS', 'RQ_SIGNING_KEY_FILE', 'RQ_SIGNING'
MODES = ('off', 'warn', 'require')
VERSION = b'1'
# A secret that can be guessed is none: 32 characters of `secrets.token_hex()` are 128 bits.
SHORTEST = 32
# What runs, or decides what runs, how long, after what and where it reports. The id and the queue are signed as well.
SIGNED = (
    'data', 'serializer', 'timeout', 'success_callback_name', 'success_callback_timeout', 'failure_callback_name',
    'failure_callback_timeout', 'stopped_callback_name', 'stopped_callback_timeout', 'webhooks', 'dependency_ids',
    'dependency_id', 'allow_dependency_failures', 'retry_on', 'give_up_on',
)  # fmt: skip
_RAW = tuple(name.encode() for name in SIGNED)
# Kinds of outcomes whose payload is a value (lua/lib/results.lua).
VALUES = (b'F', b'R', b'A', b'M')

# A child of the worker's logger, so that its lines come where a worker's do.
logger = logging.getLogger('rq.worker.signing')


class Keys:
    """Secrets by their ids. The first one signs. They are in no repr and no pickle."""

    def __init__(self, secrets: Iterable[tuple[str, str]]) -> None:
        self._secrets: dict[bytes, bytes] = {}
        for number, (kid, secret) in enumerate(
            secrets, 1
        ):  # by number: with the two in the wrong order an id is a secret
            if not re.fullmatch(r'[A-Za-z0-9_.-]{1,32}', kid):
                raise SigningConfigError(f'Key number {number}: an id has 1 to 32 letters, digits and _ . -')
            if len(secret) < SHORTEST:
                raise SigningConfigError(f'Key number {number}: a secret has at least {SHORTEST} characters')
            if kid.encode() in self._secrets:
                raise SigningConfigError(f'Key number {number}: its id is there twice')
            self._secrets[kid.encode()] = secret.encode()
        if not self._secrets:
            raise SigningConfigError('There is no key to sign with')
        self.newest = next(iter(self._secrets))
        import hmac  # who signs nothing need not load it

        self._digest, self._same = hmac.digest, hmac.compare_digest

    @property
    def ids(self) -> list[str]:
        """The ids, the one that signs first."""
        return [kid.decode() for kid in self._secrets]

    def __repr__(self) -> str:
        return f'<Keys {", ".join(self.ids)}>'

    def __reduce__(self) -> NoReturn:
        raise TypeError('Keys are not pickled: they would end where a pickle goes')

    def sign(self, *parts: bytes) -> bytes:
        """The signature of these parts, in this order."""
        kid = self.newest
        return b'%b:%b:%b' % (VERSION, kid, self._mac(kid, parts))

    def fault(self, signature: bytes | None, *parts: bytes) -> str | None:
        """Why this is not the signature of these parts; None: it is."""
        if not signature:
            return 'it is not signed'
        told = signature.split(b':')
        if len(told) != 3 or told[0] != VERSION:
            return 'its signature is of an unknown form'
        if told[1] not in self._secrets:
            return f'it is signed with an unknown key ({shown(told[1])})'
        if not self._same(told[2], self._mac(told[1], parts)):
            return 'its signature is wrong: it was changed, or signed for another id or queue'
        return None

    def _mac(self, kid: bytes, parts: tuple[bytes, ...]) -> bytes:
        whole = (VERSION, kid, *parts)
        # How many parts, and where each ends, is signed as well.
        lengths = _pack(f'>{len(whole) + 1}Q', len(whole), *map(len, whole))
        mac = self._digest(self._secrets[kid], lengths + b''.join(whole), 'sha256')
        return _base64(mac, newline=False).rstrip(b'=\n')


class Signing:
    """Keys and modes: signs what is stored, checks what comes back."""

    def __init__(self, keys: Keys, default: str = 'warn', queues: Mapping[str, str] | None = None) -> None:
        self.keys = keys
        self.default = default
        self.queues = dict(queues or {})
        for mode in (default, *self.queues.values()):
            if mode not in MODES:
                raise SigningConfigError(f'{mode!r} is no mode of signing: {", ".join(MODES)}')

    def __repr__(self) -> str:
        return f'<Signing {self.default} {self.queues} {self.keys!r}>'

    def mode(self, queue: str | None) -> str:
        """off, warn or require: for a queue whose job a worker has taken; None: for who reads."""
        return self.default if queue is None else self.queues.get(queue, self.default)

    @property
    def strict(self) -> bool:
        """Whether anything here has to be signed."""
        return self.default == 'require' or 'require' in self.queues.values()

    # --- jobs

    def sign_job(self, job_id: str, fields: Mapping[str, Any]) -> bytes:
        """The signature of a hash that is about to be stored, by the names of its fields."""
        # Most jobs have two or three of them.
        values = [as_bytes(fields[name]) if name in fields else b'' for name in SIGNED]
        return self.keys.sign(b'job', as_bytes(job_id), as_bytes(fields.get('origin', b'')), *values)

    def job_fault(self, job_id: str, raw: Mapping[bytes, bytes]) -> str | None:
        """What is wrong with the signature of a hash as it was read; None: nothing."""
        values = [raw.get(name, b'') for name in _RAW]
        return self.keys.fault(raw.get(b'sig'), b'job', as_bytes(job_id), raw.get(b'origin', b''), *values)

    def judge(self, what: str, fault: str, queue: str | None) -> None:
        """Nothing for what may have a fault. Raises SignatureError; where it is let through a worker says so."""
        mode = self.mode(queue)
        if mode == 'require':
            raise SignatureError(f'{what}: {fault}')
        if mode == 'warn' and queue is not None:
            logger.warning('%s: %s; it is run, since signing is not required', what, fault)

    # --- meta data and results

    def sign_meta(self, job_id: str, stored: bytes) -> bytes:
        """The signature of a job's meta data as they are stored."""
        return self.keys.sign(b'meta', as_bytes(job_id), stored)

    def check_meta(self, job_id: str, raw: Mapping[bytes, bytes], queue: str | None) -> None:
        """Nothing for meta data that may be loaded. Raises SignatureError."""
        fault = self.keys.fault(raw.get(b'meta_sig'), b'meta', as_bytes(job_id), raw.get(b'meta', b''))
        if fault is not None:
            self.judge(f'The meta data of job {shown(job_id)}', fault, queue)

    def sign_result(self, job_id: bytes, execution: bytes, payload: bytes) -> bytes:
        """The signature of a value as it is stored with a job's results."""
        return self.keys.sign(b'result', job_id, execution, payload)

    def seal(self, kind: bytes, job_id: bytes, execution: bytes, payload: bytes) -> bytes:
        """The payload of an outcome with its signature, which the store puts apart (lua/lib/results.lua)."""
        if not payload or kind not in VALUES:
            return payload
        return b'%b!%b!' % (payload, self.sign_result(job_id, execution, payload))

    def check_result(self, job_id: str, fields: Mapping[str, bytes]) -> None:
        """Nothing for a stored result whose value may be loaded. Raises SignatureError."""
        payload = fields.get('return_value')
        if payload is not None:
            run = fields.get('execution_id', b'')
            fault = self.keys.fault(fields.get('sig'), b'result', as_bytes(job_id), run, payload)
            if fault is not None:
                self.judge(f'The result of job {shown(job_id)}', fault, None)


class _Unread:
    """In place of a Signing until it is needed: then the environment is read, and a mistake in it is said."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith('__'):
            raise AttributeError(name)
        return getattr(load(), name)


def as_bytes(value: Any) -> bytes:
    """A field's value as it goes to Redis."""
    return value if isinstance(value, bytes) else str(value).encode('utf-8', 'surrogateescape')


def shown(value: Any) -> str:
    """As a log line and an error may have it: short, and nothing that steers a terminal."""
    text = as_bytes(value)[:80].decode('utf-8', 'backslashreplace')
    return ''.join(mark if mark.isprintable() else repr(mark)[1:-1] for mark in text)


# --- configuration


def parse_keys(text: str) -> list[tuple[str, str]]:
    """(id, secret) of each `id:secret`, one a line or with commas between. Raises SigningConfigError, naming no secret."""
    found = []
    for number, part in enumerate(re.split(r'[\n,]', text), 1):
        entry = part.strip()
        if not entry or entry.startswith('#'):
            continue
        kid, colon, secret = entry.partition(':')
        if not colon:
            raise SigningConfigError(f'Key number {number} is not written as id:secret')
        found.append((kid.strip(), secret.strip()))
    return found


def parse_modes(text: str) -> tuple[str, dict[str, str]]:
    """The mode, and those of single queues, of a text such as 'warn,payments=require'. Raises SigningConfigError."""
    default, queues = 'warn', {}
    for number, part in enumerate(text.split(',')):
        queue, equals, mode = part.strip().rpartition('=')
        if mode not in MODES or (not equals and number):
            raise SigningConfigError(f'{MODE}: {part.strip()[:40]!r} is no mode: {", ".join(MODES)}, or queue=mode')
        if equals:
            queues[queue.strip()] = mode
        else:
            default = mode
    return default, queues


def configure(keys: Keys | Iterable[tuple[str, str]] | None, mode: str = 'warn', queues: Any = None) -> None:
    """Sets keys and modes of this process, for programs that get them elsewhere. None: nothing is signed or checked."""
    global active
    if keys is None:
        active = None
    else:
        active = Signing(keys if isinstance(keys, Keys) else Keys(keys), mode, queues)


def load() -> Signing | None:
    """What is in force; reads the environment the first time. Raises SigningConfigError."""
    global active
    if isinstance(active, _Unread):
        default, queues = parse_modes(os.environ.get(MODE, '').strip() or 'warn')
        if default == 'off' and set(queues.values()) <= {'off'}:
            active = None
        else:
            active = Signing(_keys_of_environment(), default, queues)
    found: Signing | None = active
    return found


def _keys_of_environment() -> Keys:
    path = os.environ.get(KEY_FILE)
    if not path:
        return Keys(parse_keys(os.environ.get(KEYS, '')))
    try:
        with open(path, encoding='utf-8') as file:
            return Keys(parse_keys(file.read()))
    except (OSError, UnicodeError) as error:
        raise SigningConfigError(f'The keys of {KEY_FILE} cannot be read: {error}') from None


def readable_by_others() -> str:
    """The file of the keys, if others on this machine can read it; else ''."""
    path = os.environ.get(KEY_FILE, '')
    try:
        return path if path and os.stat(path).st_mode & 0o004 else ''
    except OSError:
        return ''


def _is_asked_for() -> bool:
    keyed = os.environ.get(KEYS) or os.environ.get(KEY_FILE)
    return bool(keyed or os.environ.get(MODE)) and os.environ.get(MODE, '').strip() != 'off'


# What is in force in this process; None: nothing, and whoever would sign or check asks no further.
active: Any = _Unread() if _is_asked_for() else None
