"""What the shop does again and again."""

from __future__ import annotations

import shop

from rq import cron

cron.register(shop.sync_stock, 'default', args=('Brno',), interval=5, name='stock')
cron.register(
    shop.build_report, 'reports', args=('yesterday',), cron='30 2 * * *', name='nightly-report', tz='Europe/Prague'
)
cron.register(
    shop.import_catalog, 'exports', args=('https://suppliers.example/CZ.csv',), cron='0 */4 * * 1-5', name='catalog'
)
