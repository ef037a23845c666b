"""Where a webhook may go: the addresses of a host, as far as the rules permit them."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias

__all__ = ['OPEN', 'Refused', 'Rules', 'addresses', 'rules_in_force']

# A family and what `connect` takes.
Address: TypeAlias = tuple[int, tuple[Any, ...]]

# Packets to these go to the IPv4 address in the last 32 bits.
NAT64 = IPv6Network('64:ff9b::/96')


class Refused(ValueError):
    """This webhook is not sent, for the reason given."""


def _lookup(host: str, port: int) -> list[Address]:
    """What the system knows a host by; it also reads the decimal and octal forms of an IPv4 address."""
    return [(found[0], found[4]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True)
class Rules:
    """Which addresses are refused: link-local ones (cloud metadata lives there), and if `strict` all that are not public.

    `allow` are host names and networks (`10.0.0.0/8`) that strict rules let through all the same; link-local never.
    """

    strict: bool = False
    allow: tuple[str, ...] = ()
    resolve: Callable[[str, int], list[Address]] = _lookup

    def permits(self, host: str, ip: IPv4Address | IPv6Address) -> bool:
        """Whether a host may be spoken to at this address."""
        there = _destination(ip)
        if there.is_link_local:
            return False
        if not self.strict or any(_names(entry, host, there) for entry in self.allow):
            return True
        return there.is_global and not (there.is_multicast or getattr(there, 'is_site_local', False))


OPEN = Rules()


def rules_in_force(strict: bool) -> Rules:
    """The rules of this process: strict where signing is required or RQ_WEBHOOK_STRICT says so, but for RQ_WEBHOOK_ALLOW."""
    asked = os.environ.get('RQ_WEBHOOK_STRICT', '').lower() in ('1', 'yes', 'true', 'on')
    allowed = (part.strip() for part in os.environ.get('RQ_WEBHOOK_ALLOW', '').split(','))
    return Rules(strict or asked, tuple(part for part in allowed if part))


def _destination(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The address that packets go to in the end: an IPv6 one may stand for an IPv4 one."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else ip)


def _names(entry: str, host: str, ip: IPv4Address | IPv6Address) -> bool:
    if entry.lower() == host.lower():
        return True
    try:
        return ip in ip_network(entry, strict=False)
    except ValueError:  # the name of another host
        return False


def addresses(host: str, port: int, rules: Rules, seconds: float) -> list[Address]:
    """The permitted addresses of a host, to be connected to as they are: asked again, a name may answer otherwise.

    Raises Refused if there is none, OSError for an unknown host and TimeoutError if there is no answer within `seconds`.
    """
    answers: SimpleQueue[Any] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(rules.resolve(host, port))
        except Exception as error:  # noqa: BLE001 - raised again where it was asked for
            answers.put(error)

    # In a thread, because a resolver without an answer takes as long as it likes.
    threading.Thread(target=ask, name='rq-webhook-resolver', daemon=True).start()
    try:
        found = answers.get(timeout=seconds)
    except Empty:
        raise TimeoutError from None
    if isinstance(found, Exception):
        raise found
    permitted = [one for one in found if rules.permits(host, ip_address(one[1][0]))]
    if not permitted:
        refused = ', '.join(sorted({str(one[1][0]) for one in found})) or 'no address'
        raise Refused(f'{host} is {refused}, where webhooks must not go')
    return permitted
