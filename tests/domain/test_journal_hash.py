"""What stands in the columns is what is hashed: every cell, its kind and its place."""

from backend.domain.journal_hash import LINE_COLUMNS, SEAL_COLUMNS, TICKET_COLUMNS, JournalKey, hash_line, hash_seal
from backend.domain.stored_form import decode_ids, encode_ids
from storage import tables as t

KEY = JournalKey("journal", b"k" * 32)


def test_every_column_of_a_line_and_of_a_seal_is_under_its_hash() -> None:
    assert {*LINE_COLUMNS, "hash"} == set(t.journal.c.keys())
    assert {*SEAL_COLUMNS, "hash"} == set(t.journal_seals.c.keys())
    assert set(TICKET_COLUMNS) <= set(t.tickets.c.keys())


def test_cells_that_differ_in_kind_place_or_border_have_hashes_of_their_own() -> None:
    rows: list[list[object]] = [
        [None, "a", 1], ["", "a", 1], [None, "a", "1"], ["a", None, 1], [None, 'a",1', 1], [None, "a,1"], [None, "a\x1f1"],
        [None, b"a", 1], [None, '{"sealed":"61"}', 1], ["", "a", 1, None], [None, "a", 1.5], [None, " a", 1],
    ]  # fmt: skip
    assert len({hash_line(KEY, row) for row in rows}) == len(rows)
    assert hash_line(KEY, [True]) == hash_line(KEY, [1])  # as the engines store a truth
    assert hash_line(KEY, ["a"]) != hash_seal(KEY, ["a"], []) != hash_line(JournalKey("other", b"o" * 32), ["a"])


def test_a_sealed_cell_is_hashed_sealed_so_that_no_key_of_the_value_is_needed() -> None:
    sealed = b"\1name-key" + b"n" * 12 + b"body"
    assert hash_line(KEY, [sealed]) == hash_line(KEY, [memoryview(sealed)]) != hash_line(KEY, [sealed[:-1]])
    assert hash_line(KEY, ["\ud800"]) != hash_line(KEY, ["?"])  # whatever a damaged text holds


def test_ids_of_sealed_lines_are_stored_short_and_read_back() -> None:
    for members in ([5], [5, 9, 7_000_000], [9, 3, 4]):
        assert decode_ids(encode_ids(members)) == tuple(members)
