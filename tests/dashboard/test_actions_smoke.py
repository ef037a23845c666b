from rq import Queue
from rq.store import keys
from tests.support.invariants import violations
def fail(redis, n, queue='q'):
    q = Queue(queue, connection=redis)
    from rq import SimpleWorker
    jobs = [q.enqueue('nothing.here', i) for i in range(n)]
    SimpleWorker([q], connection=redis).work(burst=True, logging_level='CRITICAL')
    return [j.id for j in jobs]
def test_smoke(redis, client):
    ids = fail(redis, 250)
    r = client.post('/do/delete', data={'job': ids[:2], 'state': 'failed'})
    print(r.status, r.headers, violations(redis))
    r = client.post('/do/delete', data={'queue': 'q', 'state': 'failed'})
    print(r.get_data(as_text=True))
    import re
    f = dict(re.findall(r'name="(\w+)" value="([^"]*)"', r.get_data(as_text=True)))
    f['keep'] = 'yes'
    r = client.post('/do/delete', data=f)
    print(r.status, r.headers, violations(redis))
    print(client.get('/').get_data(as_text=True)[2000:3500])
    print(redis.zcard('rq:failed:q'))
    print(client.get('/api/v1/audit').get_data(as_text=True))
    print(client.get('/audit').get_data(as_text=True)[3000:])
    r = client.post('/do/undo', data={'on': f['bulk']})
    print(r.status, r.headers, violations(redis), redis.zcard('rq:failed:q'))
    print(client.get('/bulk/'+f['bulk']).get_data(as_text=True)[3000:])
    r = client.post('/do/requeue', data={'queue': 'q', 'state': 'failed'})
    f = dict(re.findall(r'name="(\w+)" value="([^"]*)"', r.get_data(as_text=True)))
    r = client.post('/do/requeue', data=f)
    print(r.status, violations(redis), redis.llen('rq:queue:q'))
    r = client.post('/do/move', data={'queue': 'q', 'state': 'queued', 'to':'other'})
    f = dict(re.findall(r'name="(\w+)" value="([^"]*)"', r.get_data(as_text=True)))
    r = client.post('/do/move', data=f)
    print(r.status, violations(redis), redis.llen('rq:queue:q'), redis.llen('rq:queue:other'))
    r = client.post('/do/cancel', data={'job': redis.lrange('rq:queue:other', 3, 50)})
    print(r.status, violations(redis), redis.llen('rq:queue:other'))
    for r in redis.xrange('rq:audit'): print(r)
    1/0
