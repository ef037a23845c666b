"""The demo's job and the files that it is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.demo.corpus import SOURCE, find_corpus
from examples.demo.textstats import count_file

PYTHON = '''"""Prose about nothing."""

def total(items):  # not a name
    text = f"{items} and 'more'" + r'\\d' + 'it''s'
    return sum(items) + len(text)
'''


def test_lines_words_and_names_are_counted_without_strings_comments_and_keywords(tmp_path: Path) -> None:
    path = tmp_path / 'sum.py'
    path.write_text(PYTHON)
    stats = count_file(str(path))
    assert (stats['size'], stats['lines'], stats['words']) == (len(PYTHON), 5, len(PYTHON.split()))
    assert dict(stats['names']) == {'items': 2, 'text': 2, 'total': 1, 'sum': 1, 'len': 1}


def test_c_has_other_comments_and_text_has_none(tmp_path: Path) -> None:
    for name, text in (('a.c', 'int x; /* not\nthis */ x++; // nor this\nchar *s = "nor";'), ('a.txt', 'x # y x')):
        (tmp_path / name).write_text(text)
    assert dict(count_file(str(tmp_path / 'a.c'))['names']) == {'x': 2, 'int': 1, 'char': 1, 's': 1}
    assert dict(count_file(str(tmp_path / 'a.txt'))['names']) == {'x': 2, 'y': 1}


def test_bytes_that_are_no_text_are_counted_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / 'odd.py'
    path.write_bytes(b'x = "\xff\xfe\x00"\n' * 3)
    assert count_file(str(path))['lines'] == 3


def test_a_missing_file_fails_in_the_function_itself(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        count_file(str(tmp_path / 'nothing.py'))
    assert caught.traceback[-1].path.name == 'textstats.py'


def test_the_corpus_is_thousands_of_files_each_once_and_none_compiled() -> None:
    corpus = find_corpus()
    paths = corpus.source + corpus.text
    assert len(paths) == len(corpus) == len(set(paths)) > 1000
    assert all(Path(path).is_file() for path in paths)
    assert all(Path(path).suffix.lower() in SOURCE for path in corpus.source)
    assert not [path for path in paths if '__pycache__' in path]


def test_a_limited_corpus_is_a_small_picture_of_the_whole() -> None:
    corpus = find_corpus(limit=50)
    assert len(corpus) == 50
    assert len({Path(path).parent for path in corpus.source}) > 10
