"""Jobs that use the project's database and django-rq's decorator."""

from __future__ import annotations

import django_rq


@django_rq.job('low', result_ttl=77)
def greet(name: str) -> str:
    return f'Hello, {name}'


def count_users() -> int:
    from django.contrib.auth.models import User

    return User.objects.count()
