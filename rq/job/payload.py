"""The part of Job that only its serializer can read: the call and the meta data, decoded when somebody looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rq import signing
from rq.exceptions import DeserializationError
from rq.limits import printable
from rq.serializers import PICKLE, DefaultSerializer, reader
from rq.store import fields as codec
from rq.store import job as store

from . import call, seal

if TYPE_CHECKING:
    from redis import Redis

    from rq.allow import AllowList

__all__ = ['Payload']


class Payload:
    """Mixed into Job. Each attribute may raise DeserializationError, and SignatureError where signing is required."""

    connection: Redis
    id: str
    serializer: Any
    _raw: dict[bytes, bytes]
    _data: bytes
    _meta: dict[Any, Any]
    _func_name: str
    _instance: Any
    _args: Any
    _kwargs: Any
    _allow: AllowList | None = None  # of the worker that runs it

    # --- the call

    def _deserialize_data(self) -> None:
        if signing.active is not None:
            seal.check(self)
        plain = codec.expand(self._stored_data())
        if self.serializer is not DefaultSerializer or plain[:1] != PICKLE:
            self.serializer = reader(self.serializer, plain)  # its result and its meta data are written as its call was
        self._func_name, self._instance, self._args, self._kwargs = call.load(self.serializer, plain)

    def _stored_data(self) -> bytes:
        stored = self.__dict__.get('_data') or self._raw.get(b'data')
        if stored is None:
            raise DeserializationError(f'Job {printable(self.id)} has no stored call')
        return bytes(stored)

    def _part(self, name: str) -> Any:
        have = self.__dict__
        if name not in have:
            self._deserialize_data()
        return have[name]

    def _set_part(self, name: str, value: Any) -> None:
        if '_data' in self.__dict__ or b'data' in self._raw:
            self._part(name)  # the other parts must be known before the whole is dropped
        self.__dict__[name] = value
        self.__dict__.pop('_data', None)
        self._raw.pop(b'data', None)

    @property
    def data(self) -> bytes:
        """The call as the serializer wrote it. Raises what the serializer raises for what it cannot write."""
        if '_data' not in self.__dict__ and b'data' in self._raw:
            return codec.expand(self._raw[b'data'])
        if '_data' not in self.__dict__:
            have = self.__dict__
            if '_func_name' not in have:
                raise ValueError('Cannot build the job data')
            parts = (have['_func_name'], have.get('_instance'), have.get('_args', ()), have.get('_kwargs', {}))
            self._data = call.dump(self.serializer, parts)
        return self._data

    @data.setter
    def data(self, value: bytes) -> None:
        if signing.active is not None:
            seal.fault(self)  # while what was read is all there
        for name in ('_func_name', '_instance', '_args', '_kwargs'):
            self.__dict__.pop(name, None)
        self._raw.pop(b'data', None)
        self._data = value

    @property
    def func_name(self) -> str:
        """The name of the function. Raises DeserializationError when the stored call cannot be read."""
        return str(self._part('_func_name'))

    @func_name.setter
    def func_name(self, value: str) -> None:
        self._set_part('_func_name', value)

    @property
    def instance(self) -> Any:
        """The object that the function is a method of, or None."""
        return self._part('_instance')

    @instance.setter
    def instance(self, value: Any) -> None:
        self._set_part('_instance', value)

    @property
    def args(self) -> Any:
        """The positional arguments."""
        return self._part('_args')

    @args.setter
    def args(self, value: Any) -> None:
        self._set_part('_args', value)

    @property
    def kwargs(self) -> dict[str, Any]:
        """The keyword arguments."""
        found: dict[str, Any] = self._part('_kwargs')
        return found

    @kwargs.setter
    def kwargs(self, value: dict[str, Any]) -> None:
        self._set_part('_kwargs', value)

    @property
    def func(self) -> Any:
        """The function itself, imported. Raises ValueError when there is none of this name."""
        if self._allow is not None:
            return self._allow.find(self.func_name, self.instance)
        return call.find(self.func_name, self.instance)

    def get_call_string(self) -> str | None:
        """The call as one would write it in Python, each argument cut at 75 characters."""
        return call.describe(self.func_name, self.args, self.kwargs)

    # --- meta

    @property
    def meta(self) -> dict[Any, Any]:
        """The caller's own data, kept with the job by `save` and `save_meta`."""
        if '_meta' not in self.__dict__:
            raw = self._raw.get(b'meta')
            if raw and signing.active is not None:
                seal.check_meta(self)
            self._meta: dict[Any, Any] = call.load_meta(self.serializer, raw, self.id) if raw else {}
        return self._meta

    @meta.setter
    def meta(self, value: dict[Any, Any]) -> None:
        self._meta = value

    def get_meta(self, refresh: bool = True) -> dict[Any, Any]:
        """The meta data, read again from Redis unless told not to."""
        if refresh:
            if signing.active is not None:
                seal.fault(self)  # while what was read is all there
            self.__dict__.pop('_meta', None)
            for name, value in store.some_fields(self.connection, self.id, 'meta', 'meta_sig').items():
                self._raw.pop(name, None)
                if value:
                    self._raw[name] = value
        return self.meta

    def save_meta(self) -> None:
        """Stores the meta data alone."""
        store.update(self.connection, self.id, seal.dump_meta(self, self.meta))
