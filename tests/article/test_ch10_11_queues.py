"""Chapters 10 and 11: named queues, served in the order that the worker was told."""

from __future__ import annotations

import re
import signal

from tests.article.reader import STAMP, Reader, begin, in_order, kept, wait_for_log


def test_a_worker_serves_the_queues_it_was_told_in_that_order_and_no_other(reader: Reader) -> None:
    reader.python('example01/enqueue_work.py')
    printed = reader.python('example03/enqueue_work_into_queues.py')
    assert re.findall(r'worker\.do_work\((\d)\)>$', printed, re.MULTILINE) == list('0123456789')
    info = reader.rq('info')
    for name, number in (('low', 10), ('high', 10), ('default', 1)):
        in_order(info, rf'^{name} +\|█+ {number}\b')
    in_order(info, r'^3 queues, 21 jobs total$', r'^0 workers, 3 queues$')

    low = reader.worker('low', folder='example03')
    in_order(
        wait_for_log(low, kept()),
        STAMP + r'\*\*\* Listening on low\.\.\.$',
        STAMP + r'.*[Cc]leaning registries for queue: low$',
        begin('low', 'worker.do_work(0)'),
        '^Working, received parameter 0$',
        '^Done$',
    )
    info = reader.rq('info')
    in_order(info, rf'^\S+\.{low.pid} busy: low\b', r'^1 workers, 3 queues$')
    for name, number in (('high', 10), ('default', 1)):
        in_order(info, rf'^{name} +\|█+ {number}\b')
    low.send_signal(signal.SIGTERM)
    assert low.wait() == 0

    both = reader.worker('low', 'high', folder='example03')
    in_order(
        wait_for_log(both, begin('low', 'worker.do_work(2)')),
        STAMP + r'\*\*\* Listening on low, high\.\.\.$',
        STAMP + r'.*[Cc]leaning registries for queue: low$',
        STAMP + r'.*[Cc]leaning registries for queue: high$',
        begin('low', 'worker.do_work(2)'),
    )
    reader.rq('empty', 'low')
    in_order(wait_for_log(both, begin('high', 'worker.do_work(0)')), kept(), begin('high', 'worker.do_work(0)'))
    reader.rq('empty', 'high')
    info = reader.wait_for_info(rf'^\S+\.{both.pid} idle: low, high\b')
    for pattern in (r'^default +\|█+ 1\b', r'^high +\| 0\b', r'^low +\| 0\b', r'^3 queues, 1 jobs total$'):
        in_order(info, pattern)
