"""What a worker is told over its channel: commands, as RQ's workers take them."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from redis.exceptions import RedisError

from rq.connections import clone
from rq.store.listen import Listener, channel
from rq.store.replies import Trouble, classify

from . import settings
from .failure import one_line, reason_of

if TYPE_CHECKING:
    import logging

    from redis import Redis

    from .base import BaseWorker

__all__ = ['Chief', 'Ear', 'Hearing']

# Messages that are read at once, and seconds until more are read: a flood costs little, and what does not fit waits with
# the server, which hangs up on us before it costs it much.
AT_ONCE = 64
# Bytes; a command has less than a hundred.
LONGEST = 16 * 1024
# Seconds between tries to subscribe: from, to.
SOONEST, LATEST = 0.5, 5.0
# Commands that are known again.
REMEMBERED = 64
# Lines about messages that cannot be obeyed, within so many seconds; the rest is counted.
LINES, WITHIN = 5, 10.0


class Chief(Protocol):
    """Who does what a worker is told: its supervisor, or the loop of a SimpleWorker."""

    tells_deaths: bool  # whether it calls work_horse_killed_handler itself, at once, as RQ's workers

    def shut_down(self) -> None:
        """As SIGINT."""

    def kill_horse(self) -> bool:
        """Whether there was a horse at work, which is being killed."""

    def stop_run(self, job_id: str, execution: str) -> None:
        """Ends the run of a job ('': whichever) with an execution ('': whichever), if it is ours."""

    def tell_stack(self, job_id: str) -> None:
        """Writes where a job stands for whoever asked."""


class Hearing:
    """The part of BaseWorker that is told things. Subclasses override `handle_payload` to take commands of their own."""

    connection: Redis
    log: logging.Logger
    name: str
    pubsub: Any = None  # while it works: a Listener
    pubsub_thread: Any = None  # RQ's; ours needs none
    _chief: Chief | None = None

    def subscribe(self) -> None:
        """Listens to this worker's channel from now on: before its first job, which may be told to stop at once."""
        name = channel(self.name)
        self.log.debug('Subscribing to channel %s', name)
        self.pubsub = Listener(clone(self.connection, settings.SUPERVISOR_TIMEOUT), name)
        try:
            self.pubsub.read(0)
        except (RedisError, OSError):
            pass  # the next look tries again, and says what is wrong

    def unsubscribe(self) -> None:
        """Listens no more."""
        listener, self.pubsub = self.pubsub, None
        if listener is not None:
            self.log.debug('Unsubscribing from channel %s', channel(self.name))
            try:
                listener.close()
            except (RedisError, OSError):
                pass  # it is away, and so are we

    def handle_payload(self, message: dict[Any, Any]) -> None:
        """Obeys one message of the channel. Raises ValueError for what is no command."""
        from rq.command import handle_command, parse_payload

        handle_command(self, parse_payload(message))  # type: ignore[arg-type]  # a part of BaseWorker

    def has_heard(self, call: object) -> bool:
        """Whether a command with this nonce came before. Done again it would end the next job, or not wait for this one."""
        if not isinstance(call, str):
            return False
        known = self.__dict__.setdefault('_commands', deque(maxlen=REMEMBERED))
        if call in known:
            return True
        known.append(call)
        return False

    def request_stop_execution(self, execution_id: str) -> None:
        """Ends the run with this id, if this worker has it: its job becomes `stopped`."""
        if self._chief is None:
            self.log.warning('Not working on execution %s, command ignored', execution_id)
        else:
            self._chief.stop_run('', execution_id)


class Ear:
    """Reads a worker's channel in a loop that has other duties; nothing that is said can end the worker."""

    def __init__(self, worker: BaseWorker) -> None:
        self.worker = worker
        self._next = 0.0  # monotonic seconds; not before then
        self._wait = SOONEST
        self._told = ''
        self._since, self._lines, self._silent = 0.0, 0, 0

    def files(self) -> list[Any]:
        """What to wait on: the channel's socket, if it may be read now."""
        listener = self.worker.pubsub
        if listener is None or time.monotonic() < self._next or listener.fileno() < 0:
            return []
        return [listener]

    def listen(self) -> None:
        """Obeys what has been said."""
        listener, now = self.worker.pubsub, time.monotonic()
        if listener is None or now < self._next:
            return
        try:
            messages = listener.read(AT_ONCE)
        except (RedisError, OSError) as error:
            self._next, self._wait = now + self._wait, min(self._wait * 2, LATEST)
            self._complain(error)
            return
        self._wait = SOONEST
        if len(messages) == AT_ONCE:
            self._next = now + settings.WATCH_EVERY
        for message in messages:
            if message.get('type') in ('message', 'pmessage'):
                self._obey(message)

    def _obey(self, message: dict[str, Any]) -> None:
        try:
            if len(message.get('data') or b'') > LONGEST:
                raise ValueError(f'{len(message["data"])} bytes')
            self.worker.handle_payload(message)
        except Exception as error:  # noqa: BLE001 - anybody may publish anything; and subclasses may raise
            self.ignore(reason_of(error))

    def ignore(self, reason: str) -> None:
        """Says that a message was ignored; when there are many, only how many."""
        now = time.monotonic()
        if now - self._since > WITHIN:
            if self._silent:
                self.worker.log.warning('Ignored %d more messages', self._silent)
            self._since, self._lines, self._silent = now, 0, 0
        self._lines += 1
        if self._lines > LINES:
            self._silent += 1
        else:
            self.worker.log.warning('Ignored a message on its channel: %s', one_line(reason[:200]))

    def _complain(self, error: BaseException) -> None:
        # That Redis is away is said elsewhere; that this user may not listen is not.
        text = f'{type(error).__name__}: {error}'
        if classify(error) is not Trouble.TRANSIENT and text != self._told:
            self._told = text
            self.worker.log.error('Worker %s cannot be told commands (%s); trying again', self.worker.name, text)
