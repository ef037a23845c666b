"""Webhook: what is sent where when a job has finished or failed."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from rq.limits import tame
from rq.version import PACKHORSE_VERSION

from .address import OPEN, Refused, Rules

if TYPE_CHECKING:
    from rq.job import Job

__all__ = ['Webhook', 'deliver', 'from_text', 'to_text']

logger = logging.getLogger('rq.webhook')

# How many characters of a traceback are told: receivers refuse requests of megabytes, and the job has all of it.
TOLD = 64 * 1024

# How much of what a server or a caller wrote goes into a line of the log.
SHOWN = 200


@dataclass
class Webhook:
    """A request to `url` when its job has finished or failed: a POST tells what became of it, a GET has no body.

    Best effort: it is sent once the outcome is stored, failures are logged, and nothing is tried again. `timeout` is for
    all of it, in seconds.
    """

    # A dataclass would be pickled by the path of this file; RQ's users know it by this one.
    __module__ = 'rq.webhook'

    url: str
    job_status: Literal['finished', 'failed']
    method: Literal['GET', 'POST'] = field(default='GET', kw_only=True)
    headers: dict[str, str] | None = field(default=None, kw_only=True)
    timeout: int = field(default=10, kw_only=True)

    def __post_init__(self) -> None:
        given: Any = self.url  # what is annotated is what is asked for, not what comes
        parts = urlsplit(given) if isinstance(given, str) else None
        if parts is None or parts.scheme not in ('http', 'https') or not parts.netloc:
            raise ValueError(f'url must be an http:// or https:// URL, got {given!r}')
        if self.job_status not in ('finished', 'failed'):
            raise ValueError(f"job_status must be 'finished' or 'failed', got {self.job_status!r}")
        if self.method not in ('GET', 'POST'):
            raise ValueError(f"method must be 'GET' or 'POST', got {self.method!r}")
        if self.headers is not None and not isinstance(self.headers, dict):
            raise TypeError(f'headers must be a dict or None, got {type(self.headers).__name__}')
        seconds: Any = self.timeout
        if not isinstance(seconds, int) or seconds <= 0:
            raise ValueError(f'timeout must be a positive integer, got {seconds!r}')

    def to_dict(self) -> dict[str, Any]:
        """The webhook as it is stored with the job."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Webhook:
        """The webhook that was stored. Raises KeyError, TypeError or ValueError for what is none."""
        optional = [one.name for one in fields(cls) if one.name in data and one.name not in ('url', 'job_status')]
        return cls(data['url'], data['job_status'], **{name: data[name] for name in optional})

    def get_payload(self, job: Job, *, exc_string: str | None = None) -> dict[str, Any]:
        """What a POST tells: which job, which function, how it ended and when, and why if it failed."""
        try:
            func_name = job.func_name
        except Exception:  # noqa: BLE001 - the call may be what cannot be read, and the reason why the job failed
            func_name = None
        payload = {
            'job_id': job.id,
            'func_name': func_name,
            'status': self.job_status,
            'enqueued_at': job.enqueued_at.isoformat() if job.enqueued_at else None,
            'ended_at': job.ended_at.isoformat() if job.ended_at else None,
        }
        return payload | ({'exc_info': exc_string and _shortened(exc_string)} if self.job_status == 'failed' else {})

    def send(self, job: Job, *, exc_string: str | None = None, delivery: str = '', rules: Rules = OPEN) -> None:
        """Sends it now. Never raises: what goes wrong is one line in the log.

        `delivery` is an id that stays the same when the same outcome is told again, so that the receiver can tell.
        """
        try:
            status = self._send(job, exc_string, delivery, rules)
        except Exception as error:  # noqa: BLE001 - best effort, whatever there is on the other side
            self._log_failure(job, str(error) if isinstance(error, Refused) else _said(error))
        else:
            if not 200 <= status < 300:
                self._log_failure(job, f'it answered {status}')

    def _send(self, job: Job, exc_string: str | None, delivery: str, rules: Rules) -> int:
        from . import transport  # http.client is spared those who only enqueue

        headers: dict[str, Any] = {'User-Agent': f'packhorse/{PACKHORSE_VERSION}'}
        if delivery:
            headers['X-RQ-Delivery'] = delivery
        body = None
        if self.method == 'POST':
            headers['Content-Type'] = 'application/json'
            body = json.dumps(self.get_payload(job, exc_string=exc_string)).encode()
        own = self.headers or {}
        given = {name.lower() for name in own}
        headers = {name: value for name, value in headers.items() if name.lower() not in given} | own
        return transport.send(transport.Request(self.method, self.url, headers, body), self.timeout, rules)

    def _log_failure(self, job: Job, reason: str) -> None:
        # Of the URL the host alone: path and query of a webhook are often its secret.
        place = urlsplit(self.url)
        host = f'{place.scheme}://{place.netloc.rpartition("@")[2]}'
        logger.warning('Failed to send webhook to %s for job %s: %s', _line(host), _line(job.id), _line(reason))


def to_text(webhooks: Iterable[Webhook] | None) -> str | None:
    """Webhooks as a job's hash has them, None if there are none. Raises TypeError for anything else."""
    listed = list(webhooks) if isinstance(webhooks, (list, tuple)) else webhooks
    if listed is None or listed == []:
        return None
    if not isinstance(listed, list) or not all(isinstance(one, Webhook) for one in listed):
        raise TypeError('webhooks must be a sequence of Webhook instances')
    return json.dumps([webhook.to_dict() for webhook in listed])


def from_text(stored: bytes | str) -> list[Webhook]:
    """The webhooks in a job's hash that can be read; of each other one there is a line in the log."""
    found = []
    try:
        listed = json.loads(stored) if stored else []
        for data in listed:
            try:
                found.append(Webhook.from_dict(data))
            except (KeyError, TypeError, ValueError) as error:
                logger.warning('A stored webhook cannot be read: %s', _line(_said(error)))
    except (TypeError, ValueError, RecursionError) as error:
        logger.warning('Stored webhooks cannot be read: %s', _line(_said(error)))
    return found


def deliver(job: Job, status: str, *, exc_string: str | None = None, execution: str = '', rules: Rules = OPEN) -> None:
    """Sends those of a job's webhooks that ask for this status, one after the other. Never raises.

    `execution` names the run; without it the time at which it ended does.
    """
    try:
        hooks: list[Webhook] = job.webhooks or []
        wanted = [(number, one) for number, one in enumerate(hooks) if one.job_status == status.lower()]
        for number, webhook in wanted:
            run = f'{job.id}\n{execution or job.ended_at}\n{webhook.job_status}\n{number}'
            delivery = hashlib.sha256(run.encode('utf-8', 'backslashreplace')).hexdigest()[:32]
            webhook.send(job, exc_string=exc_string, delivery=delivery, rules=rules)
    except Exception as error:  # noqa: BLE001 - fields that cannot be read, subclasses that raise
        logger.warning('Job %s: its webhooks failed: %s', _line(job.id), _line(_said(error)))


def _said(error: BaseException) -> str:
    said = str(error)
    return f'{type(error).__name__}: {said}' if said else type(error).__name__


def _shortened(text: str) -> str:
    """The text, or its two ends: a traceback begins with the call and ends with the reason."""
    if len(text) <= TOLD:
        return text
    half = TOLD // 2
    return f'{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}'


def _line(text: str) -> str:
    """The text as a line of the log may have it: short, and what is not printable escaped."""
    whole = ' '.join(text.split())
    cut = whole if len(whole) <= SHOWN else f'{whole[:SHOWN]}...'
    return tame(cut)
