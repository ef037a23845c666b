"""A Flask application with Flask-RQ2."""

from __future__ import annotations

import os

from flask import Flask, current_app
from flask_rq2 import RQ

app = Flask(__name__)
app.config['RQ_REDIS_URL'] = os.environ['RQ_REDIS_URL']
app.config['GREETING'] = 'Hello'
rq = RQ(app)


@rq.job
def greet(name: str) -> str:
    return f'{current_app.config["GREETING"]}, {name}'


@rq.job('low', timeout=60, result_ttl=77)
def double(number: int) -> int:
    return 2 * number
