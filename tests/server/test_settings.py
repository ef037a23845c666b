from __future__ import annotations

import pytest
from redis import Redis

from rq.server.settings import render


def test_a_number_and_a_text_are_one_argument_and_a_sequence_is_several():
    text = render({'port': 0, 'dir': '/a b', 'save': ['900', '1']})
    assert text == 'port "0"\ndir "/a b"\nsave "900" "1"\n'


def test_a_value_cannot_smuggle_in_another_setting():
    assert render({'dir': '/a"\nport 1'}) == 'dir "/a\\"\\x0aport 1"\n'


@pytest.mark.parametrize('name', ['', 'port 1', 'save\nport', 'Port"', 'x y'])
def test_a_name_that_is_no_name_is_refused(name: str):
    with pytest.raises(ValueError, match='Not the name of a server setting'):
        render({name: 1})


@pytest.mark.parametrize('password', ['simple', 'with space', 'quo"te\\s', "it's", 'příliš\tžluťoučký', '#', ':@/?%'])
def test_the_server_reads_a_password_as_it_was_written(other_server, password: str):
    server = other_server(config={'requirepass': password})
    with Redis(port=server.port, password=password) as client:
        assert client.config_get('requirepass') == {'requirepass': password}
    with Redis.from_url(server.url) as client:
        assert client.ping()
