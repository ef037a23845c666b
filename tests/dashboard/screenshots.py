"""Pictures of every page, light and dark, from a real shop on a real server: `python -m tests.dashboard.screenshots [page ...]`.

They are written to docs/dashboard/. Needs chromium.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from rq.dashboard import create_app
from rq.server import EmbeddedServer
from tests.dashboard.conftest import Served, chromium
from tests.dashboard.scene import stage

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / 'docs' / 'dashboard'
NARROW = ('overview', 'queues', 'job', 'workers')


@contextmanager
def shop() -> Iterator[tuple[str, stage.Scene]]:
    """The address of a dashboard of a shop at work."""
    with ExitStack() as stack:
        data = stack.enter_context(tempfile.TemporaryDirectory(prefix='rq-scene-'))
        server = stack.enter_context(EmbeddedServer(data_dir=data))
        scene = stage.Scene(server.url, Path(data))
        stack.callback(scene.close)
        scene.set_up()
        served = Served(create_app(server.url, auth='none'))
        stack.callback(served.close)
        yield served.url, scene


def take(browser: Browser, url: str, pages: dict[str, str], folder: Path) -> None:
    """A picture of each page (name -> path): light, dark, and some as a telephone shows them."""
    folder.mkdir(parents=True, exist_ok=True)
    for scheme, width in (('light', 1280), ('dark', 1280), ('light', 400)):
        context = browser.new_context(viewport={'width': width, 'height': 800}, color_scheme=scheme)
        tab = context.new_page()
        for name, path in pages.items():
            if width < 1280 and name not in NARROW:
                continue
            tab.goto(url + path)
            tab.wait_for_load_state('networkidle')
            file = folder / f'{name}-{"narrow" if width < 1280 else scheme}.png'
            tab.screenshot(path=file, full_page=True, clip={'x': 0, 'y': 0, 'width': width, 'height': 1000})
            squeeze(file)
        context.close()


def squeeze(path: Path) -> None:
    """The picture in 256 colours, less than half as large, where Pillow is installed (it is not needed otherwise)."""
    try:
        from PIL import Image
    except ImportError:
        return
    with Image.open(path) as picture:
        small = picture.convert('RGB').quantize(256, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


def main(wanted: list[str]) -> None:
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # also then what was started is ended
    with shop() as (url, scene), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=['--no-sandbox'])
        pages = {name: path for name, path in scene.pages().items() if not wanted or name in wanted}
        take(browser, url, pages, FOLDER)
        browser.close()
    print(f'{len(pages)} pages in {time.monotonic() - began:.0f} s -> {FOLDER}')


if __name__ == '__main__':
    main(sys.argv[1:])
