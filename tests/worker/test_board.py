"""The board: two processes, no lock, and whoever is killed leaves it readable."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from rq.store.claim import Claimed, Lease
from rq.worker import board as layout
from rq.worker.board import Board, bulks


@pytest.fixture
def board() -> Iterator[Board]:
    board = Board(['high', 'low'])
    yield board
    board.close()


def claimed(*ids: str, seq: int = 1, queue: int = 0) -> list[Claimed]:
    return [
        Claimed(queue, job_id.encode(), b'%016x%014x%02x' % (7, seq, number), {}) for number, job_id in enumerate(ids)
    ]


def put(board: Board, area: int, seq: int, *ids: str) -> None:
    board.put_pack(area, seq, claimed(*ids, seq=seq), [180] * len(ids), (1_000_000, 5_000))


def outcome(text: bytes) -> bytes:
    """Eight bulk strings."""
    return b''.join(
        b'$%d\r\n%b\r\n' % (len(part), part) for part in [b'F', b'high', text, b'e', b'1', b'2', b'3', b'v']
    )


def in_child(body: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            body()
        finally:
            os._exit(0)
    return pid


# --- packs


def test_a_pack_is_read_as_it_was_written(board: Board) -> None:
    ids = ['plain', 'two words', 'a\nline', '\r\n', 'ž', ' ', 'x' * 500]
    board.put_pack(1, 42, claimed(*ids, seq=42, queue=1), [180, -1, 5, 0, 7, 1, 2], (1_000_000, 5_000))
    [pack] = board.snapshots()
    assert (pack.area, pack.seq, pack.outcomes) == (1, 42, [])
    assert [slot.lease for slot in pack.slots] == [
        Lease('low', job.id.decode(), job.execution.decode()) for job in claimed(*ids, seq=42, queue=1)
    ]
    assert [slot.timeout for slot in pack.slots] == [180, -1, 5, 0, 7, 1, 2]
    assert {slot.state for slot in pack.slots} == {layout.CLAIMED}
    assert pack.redis_us(5_000 + 3_000_000) == 1_003_000


def test_packs_come_in_the_order_of_their_numbers(board: Board) -> None:
    put(board, 0, 12, 'b')
    put(board, 1, 11, 'a')
    assert [pack.seq for pack in board.snapshots()] == [11, 12]
    board.clear_pack(1)
    assert [pack.seq for pack in board.snapshots()] == [12]


def test_states_and_outcomes_are_seen_as_jobs_go_on(board: Board) -> None:
    put(board, 0, 1, 'a', 'b', 'c')
    assert board.running() is None
    board.begin(0, 0, 77)
    assert board.running() == (0, 0, 77, 180)
    assert board.put_outcome(0, 0, outcome(b'a'))
    assert board.running() is None
    board.begin(0, 1, 99)
    board.mark(0, 1, layout.SENDING)
    assert board.running() is None, 'its run is over: no deadline any more'
    [pack] = board.snapshots()
    assert [slot.state for slot in pack.slots] == [layout.RETURNED, layout.SENDING, layout.CLAIMED]
    assert pack.outcomes[2::8] == [b'a']
    assert board.words[layout.BEGINNINGS] == 2


def test_an_outcome_that_does_not_fit_is_refused_and_leaves_the_rest(board: Board) -> None:
    put(board, 0, 1, 'a', 'b')
    board.begin(0, 0, 1)
    assert board.put_outcome(0, 0, outcome(b'a'))
    assert not board.put_outcome(0, 1, b'x' * layout.OUTCOME_BYTES)
    assert board.snapshot(0).outcomes[2::8] == [b'a']


def test_only_as_many_ids_as_fit(board: Board) -> None:
    assert board.fitting([b'short'] * 64) == 64
    assert board.fitting([b'x' * 2_000] * 64) == layout.TEXT_BYTES // (2_000 + layout.LINE_BYTES)
    assert board.fitting([b'x' * layout.TEXT_BYTES]) == 0
    most = ['x' * 2_000] * board.fitting([b'x' * 2_000] * 64)
    put(board, 0, 1, *most)
    put(board, 1, 2, 'next')
    assert [slot.lease.id for slot in board.snapshot(0).slots] == most


def test_a_mark_for_a_pack_that_is_gone_says_nothing_of_the_one_in_its_place(board: Board) -> None:
    """Found by give-back races: the new pack's first outcomes were taken for delivered, and lost."""
    put(board, 0, 1, 'a', 'b')
    board.set_offered(0, 1, 2)
    board.set_delivered(0, 1, 1)
    assert (board.offered(0), board.delivered(0)) == (2, 1)
    put(board, 0, 3, 'c', 'd')
    assert (board.offered(0), board.delivered(0)) == (0, 0)
    board.set_delivered(0, 1, 2)  # late
    assert board.delivered(0) == 0
    board.begin(0, 0, 1)
    board.put_outcome(0, 0, outcome(b'c'))
    assert board.snapshot(0).outcomes[2::8] == [b'c']


def test_delivered_outcomes_are_left_out(board: Board) -> None:
    put(board, 0, 9, 'a', 'b', 'c')
    for number, job_id in enumerate([b'a', b'b']):
        board.begin(0, number, 1)
        board.put_outcome(0, number, outcome(job_id))
    board.set_delivered(0, 9, 1)
    pack = board.snapshot(0)
    assert (pack.delivered, pack.outcomes[2::8]) == (1, [b'b'])


def test_a_reader_never_sees_half_a_pack(board: Board) -> None:
    """The reader does not wait for the writer, nor the writer for the reader."""

    def write() -> None:
        seq = 0
        while True:
            seq += 1
            count = 1 + seq % 40
            put(board, seq % 2, seq, *[f'{seq}-{"x" * (seq % 50)}-{number}' for number in range(count)])
            for number in range(count):
                board.begin(seq % 2, number, seq)
                board.put_outcome(seq % 2, number, outcome(b'%d' % seq))
            if seq % 3:
                board.clear_pack(seq % 2)

    pid = in_child(write)
    seen = set()
    until = time.monotonic() + 1.5
    try:
        while time.monotonic() < until:
            for pack in board.snapshots():
                seen.add(pack.seq)
                assert [slot.lease.id.split('-')[0] for slot in pack.slots] == [str(pack.seq)] * (1 + pack.seq % 40)
                assert [slot.lease.id.split('-')[2] for slot in pack.slots] == [str(n) for n in range(len(pack.slots))]
                assert set(pack.outcomes[2::8]) <= {b'%d' % pack.seq}
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert len(seen) > 100


# --- tickets


def test_each_ticket_has_one_owner(board: Board) -> None:
    got, back = os.pipe(), os.pipe()

    def horse() -> None:
        number = 0
        while os.read(back[0], 1) == b'.':
            number += 1
            os.write(got[1], b'.')
            board.hand_out(number % 2, 30, True)
            taken = 0
            while board.take_ticket():
                taken += 1
            os.write(got[1], bytes([taken]))

    pid = in_child(horse)
    raced = number = 0
    while raced < 20:  # rounds in which both got some
        number += 1
        assert number < 200_000, 'there is no race'
        os.write(back[1], b'.')
        os.read(got[0], 1)
        for _ in range(number % 40):
            pass
        taken = board.take_back()
        begun = os.read(got[0], 1)[0]
        assert begun + taken.tickets == 30, number
        assert taken.area in ([number % 2] if taken.tickets else [-1])
        assert taken.prefetch is bool(taken.tickets), 'the ticket of the pack asked for ahead is the last'
        raced += 0 < begun < 30
    os.write(back[1], b'!')
    assert os.waitpid(pid, 0)[1] == 0
    for fd in (*got, *back):
        os.close(fd)


def test_the_first_job_needs_no_ticket(board: Board) -> None:
    board.hand_out(0, 1, False)
    assert board.take_ticket() == b''
    assert board.take_back().tickets == 0
    board.hand_out(1, 3, False)
    found = board.take_back()
    assert (found.area, found.count, found.prefetch) == (1, 2, False)


# --- log


def test_log_lines_are_written_by_one_or_the_other(board: Board) -> None:
    board.add_log(b'one\n')
    assert board.read_log() == b'one\n'
    assert board.read_log() == b''
    board.add_log(b'two\n')
    assert board.take_log() == b'two\n'
    assert board.take_log() == b''
    board.add_log(b'three\n')
    assert board.read_log() == b'three\n'
    assert board.take_log() == b''
    assert not board.add_log(b'x' * (layout.LOG_BYTES + 1))


def test_no_log_line_is_lost_when_both_write_at_once(board: Board) -> None:
    read, write = os.pipe()

    def horse() -> None:
        with os.fdopen(write, 'wb', buffering=0) as file:
            for number in range(60_000):
                board.add_log(b'%d\n' % number)
                if number % 7 == 0:
                    file.write(board.take_log())
            file.write(board.take_log())

    pid = in_child(horse)
    os.close(write)
    os.set_blocking(read, False)
    lines: list[bytes] = []
    told = b''
    while True:
        lines += board.read_log().split(b'\n')
        try:
            more = os.read(read, 65536)
        except BlockingIOError:
            continue
        if not more:
            break
        told += more
    os.close(read)
    os.waitpid(pid, 0)
    assert set(map(int, filter(None, [*lines, *told.split(b'\n')]))) == set(range(60_000))


# --- the end of a horse


def test_the_next_horse_finds_a_clean_board_and_the_counters(board: Board) -> None:
    put(board, 0, 5, 'a')
    put(board, 1, 6, 'b')
    board.begin(0, 0, 1)
    board.add_log(b'line\n')
    board.words[layout.NEXT_SEQ] = board.words[layout.TAKEN] = 7
    board.words[layout.DONE] = 3
    board.reset()
    assert board.snapshots() == []
    assert board.running() is None
    assert board.take_log() == b''
    assert (board.words[layout.NEXT_SEQ], board.words[layout.TAKEN]) == (0, 0)
    assert (board.words[layout.DONE], board.words[layout.BEGINNINGS]) == (3, 1)


def test_bulk_strings_come_apart() -> None:
    assert bulks(b'') == []
    assert bulks(outcome(b'with\r\n$3\r\nin it')) == [
        b'F',
        b'high',
        b'with\r\n$3\r\nin it',
        b'e',
        b'1',
        b'2',
        b'3',
        b'v',
    ]
