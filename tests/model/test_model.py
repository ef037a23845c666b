"""The store against the model (section 6.2 of guarantees.md): 200 lives of 40 steps, always the same ones.

`make model-long` has 5,000 of 100 steps, new ones each time. A life in which the two differ is printed whole;
`MODEL_SHRINK=1 pytest -o faulthandler_timeout=0` takes some minutes to make it as short as can be. What it shows becomes
a plain test (test_found.py).
"""

from __future__ import annotations

import os
import random

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from redis import Redis

from tests.model.machine import Machine

PARTS = 8
EXAMPLES = int(os.environ.get('MODEL_EXAMPLES', '200'))
STEPS = int(os.environ.get('MODEL_STEPS', '40'))
FIRST = random.randrange(10**9) if EXAMPLES > 200 else int(os.environ.get('MODEL_SEED', '0'))

SETTINGS = settings(
    max_examples=max(1, EXAMPLES // PARTS),
    stateful_step_count=STEPS,
    deadline=None,
    report_multiple_bugs=False,
    database=None,
    phases=[Phase.generate, Phase.shrink] if os.environ.get('MODEL_SHRINK') else [Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize('part', range(PARTS))
def test_the_store_does_what_the_model_does(redis: Redis, redis_url: str, part: int) -> None:
    class Real(Machine):
        pass

    Real.redis, Real.url = redis, redis_url
    number = FIRST + part
    print(f'MODEL_SEED={number}')
    run_state_machine_as_test(seed(number)(Real), settings=SETTINGS)
