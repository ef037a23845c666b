"""Sets the scene: real workers on a real server, jobs of every state, and addresses that show them."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
from redis import Redis

from rq import Queue, Retry
from rq.command import send_dump_stack_command
from rq.dashboard import create_app
from rq.dashboard.access import User
from rq.dashboard.page import PAGES
from rq.group import Group
from rq.monitor import errors
from rq.rate_limit import RateLimit
from rq.registry import DeferredJobRegistry, FailedJobRegistry, StartedJobRegistry
from rq.store import keys
from tests.dashboard.scene import past

HERE = Path(__file__).parent
ADDRESSES = ['ada@example.org', 'ben@example.org', 'eva@example.org', 'zdeněk@example.cz', 'nobody@nowhere.invalid']


class Scene:
    """A shop at work."""

    def __init__(self, url: str, folder: Path) -> None:
        """`folder`: where the code of the shop is put, for its tracebacks to name."""
        self.url = url
        self.folder = folder / 'shop'
        self.folder.mkdir()
        for file in ('shop.py', 'shop_cron.py'):
            shutil.copy(HERE / file, self.folder)
        self.redis = Redis.from_url(url)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.orders = 1_000

    def queue(self, name: str) -> Queue:
        return Queue(name, connection=self.redis)

    def worker(self, name: str, *queues: str) -> None:
        """Starts a worker."""
        self.start('worker', '--name', name, '--path', str(self.folder), *queues)

    def cron(self) -> None:
        """Starts a cron scheduler."""
        self.start('cron', '--path', str(self.folder), 'shop_cron')

    def start(self, command: str, *arguments: str) -> None:
        log = open(os.devnull, 'wb')  # noqa: SIM115 - the process has it
        whole = [sys.executable, '-m', 'rq.cli', command, '--url', self.url, *arguments]
        self.processes.append(subprocess.Popen(whole, stdout=log, stderr=log, cwd=self.folder))

    def set_up(self) -> None:
        """Queues, workers, jobs of every kind; returns when the picture is worth taking."""
        random.seed(7)
        past.write(self.redis)
        self.cron()
        self.worker('web-1.mail', 'mail', 'default')
        self.worker('web-2.mail', 'mail', 'default')
        self.worker('web-1.images', 'images', 'default')
        self.worker('batch-1', 'reports', 'default')
        for _ in range(8):
            self.trade(60)
            time.sleep(0.7)
        self.leave_behind()
        time.sleep(3)
        past.fail(self.redis)

    def trade(self, orders: int) -> None:
        """What some orders bring."""
        mail, default, images = self.queue('mail'), self.queue('default'), self.queue('images')
        for _ in range(orders):
            self.orders += 1
            mail.enqueue('shop.send_receipt', self.orders, to=random.choice(ADDRESSES))
            if self.orders % 3 == 0:
                default.enqueue(
                    'shop.charge_card', self.orders, round(random.uniform(5, 300), 2), token='tok_' + 'x' * 12
                )
            if self.orders % 4 == 0:
                images.enqueue(
                    'shop.resize_image', f'/pictures/{self.orders}.{"bmp" if self.orders % 16 == 0 else "jpg"}', 640
                )

    def leave_behind(self) -> None:
        """What waits, runs, and is to come when the picture is taken."""
        default, reports = self.queue('default'), self.queue('reports')
        reports.enqueue('shop.build_report', '2026-10', job_timeout=900, description='Sales report of October')
        reports.enqueue('shop.build_report', '2026-11', job_timeout=900)
        first = default.enqueue('shop.sync_stock', 'Brno')
        default.enqueue('shop.notify', 17, depends_on=[first])
        default.enqueue_in(timedelta(minutes=12), 'shop.sync_stock', 'Praha')
        default.enqueue_in(timedelta(hours=3), 'shop.sync_stock', 'Ostrava')
        default.enqueue('shop.charge_card', 9 * 113, 12.5, token='tok_y', retry=Retry(max=3, interval=300))
        blocked = reports.enqueue('shop.build_report', '2026-12', job_timeout=900)
        default.enqueue('shop.notify', 18, depends_on=[blocked])
        for country in ('CZ', 'SK', 'AT', 'DE', 'PL'):
            self.queue('exports').enqueue('shop.import_catalog', f'https://suppliers.example/{country}.csv')
        self.queue('images').enqueue('shop.import_catalog', 'https://suppliers.example/HU.csv', job_timeout=120)
        for _ in range(12):
            default.enqueue('shop.fetch_rates', 'cnb.example', at_front=True)
        for order in range(8):
            reports.enqueue(
                'shop.build_report', f'supplier-{order}', rate_limit=RateLimit('supplier.example', concurrency=2)
            )
        Group.create(self.redis, 'invoices-2026-11').enqueue_many(
            self.queue('default'), [Queue.prepare_data('shop.notify', (order,)) for order in range(20)]
        )
        default.enqueue('shop.notify', 19, job_timeout=30).cancel()
        self.act()
        self.trade(150)

    def act(self) -> None:
        """What people have done by the dashboard."""
        ada, ben = (create_app(self.redis, auth=lambda _, name=name: User(name, 'operator')) for name in ('ada', 'ben'))
        failed = self.redis.zrange(keys.failed('images'), 0, -1)
        for app, name, fields in (
            (ada, 'suspend', {'queue': 'exports'}),
            (ben, 'requeue', {'job': failed[:3], 'state': 'failed'}),
            (ben, 'delete', {'job': failed[3:8], 'state': 'failed'}),
            (ada, 'move', {'job': self.redis.lrange(keys.queue('exports'), 0, 1), 'state': 'queued', 'to': 'images'}),
        ):
            app.test_client().post(f'/do/{name}', data=fields, headers={'Origin': 'http://localhost'})

    def pages(self) -> dict[str, str]:
        """Name -> path of every page that there is."""
        default = self.queue('default')
        failed: list[Any] = FailedJobRegistry(queue=self.queue('mail')).get_job_ids(0, 0)
        running: list[Any] = StartedJobRegistry(queue=self.queue('reports')).get_job_ids(0, 0)
        deferred: list[Any] = DeferredJobRegistry(queue=default).get_job_ids(0, 0)
        if running:
            send_dump_stack_command(self.redis, running[0])
        parts = {
            'queue': '/queue/mail?state=failed',
            'worker': '/worker/batch-1',
            'job': f'/job/{(failed or default.get_job_ids() or ["x"])[0]}',
            'job-waiting': f'/job/{(deferred or ["x"])[0]}',
            'job-running': f'/job/{(running or ["x"])[0]}',
            'function': '/function/shop.charge_card',
            'error': f'/error/{max(errors.groups(self.redis).groups, key=lambda one: one.count).fingerprint}',
        }
        found = {name: page.rule for name, page in PAGES.items() if '<' not in page.rule}
        return {**found, **{name: path for name, path in parts.items() if name.partition('-')[0] in PAGES}}

    def close(self) -> None:
        """Ends all that was started, and what those have started."""
        family = [psutil.Process(process.pid) for process in self.processes if process.poll() is None]
        for one in [*(child for parent in family for child in parent.children(recursive=True)), *family]:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        for process in self.processes:
            process.wait()
        self.redis.close()
