"""Chapters 8 and 9: parameters arrive, in the order of enqueueing."""

from __future__ import annotations

import re

from tests.article.reader import ID, Reader, begin, in_order, kept, ok, wait_for_log


def test_each_job_gets_its_parameter_in_the_order_of_enqueueing(reader: Reader) -> None:
    printed = reader.python('example02/enqueue_work.py') + reader.python('example02/enqueue_more_work.py')
    calls = [0, *range(10)]
    assert re.findall(r'worker\.do_work\((\d)\)>$', printed, re.MULTILINE) == [str(number) for number in calls]
    ids = re.findall(ID, printed)
    worker = reader.worker(folder='example02')
    log = wait_for_log(worker, kept(), times=4)
    expected = []
    for number, job_id in list(zip(calls, ids, strict=True))[:4]:
        expected += [
            begin('default', f'worker.do_work({number})', job_id),
            f'^Working, received parameter {number}$',
            '^Done$',
            ok('default', job_id),
            kept(),
        ]
    in_order(log, *expected)
