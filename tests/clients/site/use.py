"""What a view of the project does: jobs are enqueued in each of django-rq's ways. Prints the ids."""

from __future__ import annotations

import json

import django

django.setup()

import django_rq  # noqa: E402
from django.db import transaction  # noqa: E402

from tests.clients import jobs  # noqa: E402
from tests.clients.site import tasks  # noqa: E402


def main() -> None:
    ids = {
        'plain': django_rq.enqueue(jobs.add, 1, 2).id,
        'decorated': tasks.greet.delay('you').id,
        'database': django_rq.get_queue('low').enqueue(tasks.count_users).id,
    }
    queue = django_rq.get_queue('default')
    with transaction.atomic():
        in_transaction = queue.enqueue(jobs.add, 5, 6, job_id='in-transaction')
        seen = queue.fetch_job('in-transaction') is not None
    ids['committed'] = 'in-transaction'
    print(json.dumps({'ids': ids, 'answered': in_transaction is not None, 'seen before the commit': seen}))


if __name__ == '__main__':
    main()
