"""What a web shop does in the background: the jobs in the pictures of the dashboard."""

from __future__ import annotations

import os
import random
import time


class CardDeclined(Exception):
    """The bank said no."""


def send_receipt(order: int, to: str) -> str:
    time.sleep(random.uniform(0.005, 0.06))
    if to.endswith('.invalid'):
        raise ConnectionRefusedError(f'mail.shop.example: nobody takes mail for {to}')
    return f'sent receipt of order {order}'


def charge_card(order: int, amount: float, token: str) -> dict[str, object]:
    time.sleep(random.uniform(0.02, 0.2))
    if order % 9 == 0:
        raise CardDeclined(f'order {order}: insufficient funds for {amount:.2f}')
    return {'order': order, 'amount': amount, 'captured': True}


def resize_image(path: str, width: int) -> str:
    until = time.process_time() + random.uniform(0.01, 0.08)
    while time.process_time() < until:
        sum(range(500))
    if path.endswith('.bmp'):
        raise ValueError(f'{path}: not an image that we can read')
    return f'{path}@{width}'


def sync_stock(warehouse: str) -> int:
    time.sleep(random.uniform(0.2, 0.6))
    return random.randrange(200)


def build_report(month: str) -> str:
    last(600)
    return month


def import_catalog(url: str) -> int:
    last(45)
    return 12_000


def notify(order: int) -> None:
    time.sleep(0.01)


def fetch_rates(bank: str) -> None:
    time.sleep(0.05)
    raise TimeoutError(f'{bank} did not answer within 5 s')


def last(seconds: float) -> None:
    """Long work, which ends when the worker that asked for it is gone: nothing of a scene outlives it."""
    until, parent = time.monotonic() + seconds, os.getppid()
    while time.monotonic() < until and os.getppid() == parent:
        time.sleep(0.5)
