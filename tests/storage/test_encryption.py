"""A sealed value says by which suite and key it opens, and opens nowhere else."""

import re
from pathlib import Path

import pytest

from storage.engine.encryption import KEY_HEAD, STD, Encryption, KeyUnknown, SuiteUnknown, read_header
from storage.operations.contents import SEALED_COLUMNS
from tests.time_and_chance import CHANCE

OLD, NEW = "the old secret of tests", "the new secret of tests"
PLACE = ("tickets", 7, "name")


def test_a_value_names_its_suite_and_key_and_opens_by_that_name_after_a_change_of_secrets() -> None:
    sealed = Encryption(OLD, CHANCE).seal(*PLACE, "王某")
    both = Encryption(NEW, CHANCE, [OLD])
    header, _ = read_header(sealed)
    assert header.suite == STD and header.key_name in both.key_names
    assert both.open(*PLACE, sealed) == "王某" and both.open(*PLACE, None) is None
    later, _ = read_header(both.seal(*PLACE, "王某"))
    assert later.key_name in Encryption(NEW, CHANCE).key_names and later.key_name != header.key_name


def test_an_unknown_key_an_unknown_suite_and_a_changed_value_are_told_apart() -> None:
    encryption = Encryption(OLD, CHANCE)
    sealed = encryption.seal(*PLACE, "王某")
    with pytest.raises(KeyUnknown, match=read_header(sealed)[0].key_name):
        Encryption(NEW, CHANCE).open(*PLACE, sealed)
    with pytest.raises(SuiteUnknown, match="2"):
        encryption.open(*PLACE, b"\2" + sealed[1:])
    assert read_header(b"\2" + sealed[1:])[0].key_name.startswith("values:2:")
    for place, value in ((("tickets", 8, "name"), sealed), (PLACE, sealed[:-1] + bytes([sealed[-1] ^ 1]))):
        with pytest.raises(ValueError, match="elsewhere"):
            encryption.open(*place, value)


def test_a_value_cut_short_anywhere_is_refused_and_its_header_is_still_named() -> None:
    encryption = Encryption(OLD, CHANCE)
    sealed = encryption.seal(*PLACE, "王某")
    for length in range(len(sealed)):
        with pytest.raises(ValueError, match=r".*"):
            encryption.open(*PLACE, sealed[:length])
        assert read_header(sealed[:length])[0].key_name.startswith("values:")


def test_many_keys_have_names_of_their_own() -> None:
    """Two bytes would have collided among these hundreds."""
    values = [Encryption(f"secret number {n} of the tests", CHANCE).seal(*PLACE, "x") for n in range(600)]
    assert len({value[:KEY_HEAD] for value in values}) == len(values)


def test_every_sealed_value_stands_in_a_column_whose_keys_a_backup_names() -> None:
    """The words that a telephone carrier carries in an address are stored nowhere."""
    root = Path(__file__).parents[2]
    code = "".join(file.read_text() for top in ("backend", "storage") for file in (root / top).rglob("*.py"))
    sealed = set(re.findall(r'\.seal\(\s*"(\w+)",\s*[\w.]+,\s*"(\w+)"', code))
    named = {(table.name, column.name.removesuffix("_sealed")) for table, _, column in SEALED_COLUMNS}
    assert sealed - {("call_attempts", "carried")} == named
    assert len(re.findall(r"\.seal\(", code)) == len(re.findall(r'\.seal\(\s*"', code))
