"""A Flask application with Flask-RQ."""

from __future__ import annotations

import os

from flask import Flask, current_app, jsonify
from flask_rq import RQ

app = Flask(__name__)
app.config['RQ_CONNECTION'] = os.environ['RQ_REDIS_URL']
app.config['RQ_QUEUES'] = ['default', 'low']
app.config['GREETING'] = 'Hello'
rq = RQ(app)


@rq.job
def greet(name: str) -> str:
    return f'{current_app.config["GREETING"]}, {name}'


@rq.job(queue='low')
def double(number: int) -> int:
    return 2 * number


def triple(number: int) -> int:
    return 3 * number


rq.cron_register(triple, 3600, queue='low', args=(14,))  # RQ, too, cannot enqueue a decorated one


@app.post('/<name>')
def enqueue(name: str) -> object:
    return jsonify(greet=greet.enqueue(name).id, double=double.enqueue(4).id, plain=rq.queue.enqueue(max, 1, 5).id)
