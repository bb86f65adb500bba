"""Device identifiers: the listed vectors, their neighbours, the refusals of each field, any text."""

import csv
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from stdnum import luhn

from services.identifiers import (
    ERRORS,
    MAX_RAW_LENGTH,
    WARNINGS,
    Identifier,
    IdentifierInvalid,
    IdentifierKind,
    group_imei,
    mask_identifier,
    parse_imei,
    parse_imei_or_serial,
    parse_msisdn,
    recognise,
    split_bulk,
)

IMEI = "354178036859789"
OTHER = "354178046859787"
VECTORS = list(
    csv.DictReader((Path(__file__).parents[1] / "data" / "imei_vectors.csv").open(encoding="utf-8", newline=""))
)


def decide(raw: str) -> tuple[str, str, str]:
    try:
        found = recognise(raw)
    except IdentifierInvalid as error:
        return str(error.kind), "invalid", ""
    return str(found.kind), "valid", found.value


def refusal(parse: Callable[[str], object], raw: str) -> IdentifierInvalid:
    with pytest.raises(IdentifierInvalid) as caught:
        parse(raw)
    return caught.value


def test_the_list_of_vectors_is_whole():
    assert len(VECTORS) == 113


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: ascii(row["input"]))
def test_vector(row: dict[str, str]):
    assert decide(row["input"]) == (row["kind"], row["expected"], row["normalised"])


@pytest.mark.parametrize(
    ("raw", "kind", "value"),
    [
        ("IMEI2: 354178036859789", "imei", IMEI),
        ("imei 1 354178036859789", "imei", IMEI),
        ("IMEI (2) 35-417803-685978-9", "imei", IMEI),
        ("IMEI354178036859789", "imei", IMEI),
        ("IMEI1354178036859789", "imei", IMEI),
        ("IMEI No. 354178036859789", "imei", IMEI),
        ("IMEI：３５４１７８０３６８５９７８９", "imei", IMEI),
        ("IMEI1 01 300600 123456 8", "imei", "013006001234568"),
        ("35,417803,685978,9", "imei", IMEI),
        ("35 417803\n685978 9", "imei", IMEI),
        ("354,178,036,859,789", "imei", IMEI),
        ("\u2066354178036859789\u2069", "imei", IMEI),
        ("3541\u00ad78036859789", "imei", IMEI),
        ("«354178036859789»", "imei", IMEI),
        ("𝟑𝟓𝟒𝟏𝟕𝟖𝟎𝟑𝟔𝟖𝟓𝟗𝟕𝟖𝟗", "imei", IMEI),
        ("354178036859789\x1d", "imei", IMEI),
        ("35 417803 685978", "imei14", IMEI),
        ("35 417803 685978 01", "imeisv", IMEI),
        ("35-417803-685978-9 / 01", "imei_svn", IMEI),
        ("IMEI: 354178036859789 SVN: 01", "imei_svn", IMEI),
        ("354178036859789 IMEI SV: 01", "imei_svn", IMEI),
        ("090000000000001", "imei_test", "090000000000001"),
        ("12808104030", "esn_dec", "807BA85E"),
        ("80-A1-B2-C3", "esn_hex", "80A1B2C3"),
        ("af0123450abcdec", "meid_hex", "AF0123450ABCDE"),
        ("EID: 8904903200010000\n0000000000000187", "eid", "89049032000100000000000000000187"),
        ("S/N: c8qh6t96dpng", "serial_apple", "C8QH6T96DPNG"),
        ("Serial No. C8QH6T96DPNG", "serial_apple", "C8QH6T96DPNG"),
        ("SC8QH6T96DPNG", "serial_apple", "C8QH6T96DPNG"),
        ("(S) X7K2P9QWLM", "serial_apple", "X7K2P9QWLM"),
        ("RF8N30ABCDE", "serial_generic", "RF8N30ABCDE"),
        ("ZY32XYZ987", "serial_generic", "ZY32XYZ987"),
    ],
)
def test_neighbour_accepted(raw: str, kind: str, value: str):
    assert decide(raw) == (kind, "valid", value)


@pytest.mark.parametrize(
    ("raw", "kind", "code", "suggestion"),
    [
        ("354178036859788", "imei", "check_digit", ""),
        ("862471046543210", "imei", "spare_digit", "862471046543211"),
        ("310260123456781", "imei", "imsi", ""),
        ("354178036859781/01", "imei_svn", "check_digit", ""),
        ("00000000000000", "imei14", "repeated_digit", ""),
        ("0000000000000000", "imeisv", "repeated_digit", ""),
        ("99999999999999", "imei14", "repeated_digit", ""),
        ("²54178036859789", "junk", "unexpected_characters", ""),
        ("354178036859789.00", "junk", "float_text", IMEI),
        ("354178036859789,0", "junk", "float_text", IMEI),
        ("354178036859789.5", "junk", "float_text", IMEI),
        ("3,54178E+14", "junk", "scientific_notation", ""),
        ("3.54178036859789e14", "junk", "scientific_notation", ""),
        ("354178036859789 1", "junk", "too_many_digits", IMEI),
        ("35-417803-685978-1-1", "junk", "too_many_digits", ""),
        ("1 354178036859789", "junk", "too_many_digits", IMEI),
        ("3541780368597891011", "junk", "too_many_digits", ""),
        ("35417803685978X", "junk", "letters_in_number", ""),
        ("35A178036859789", "junk", "letters_in_number", ""),
        ("3S4I78O36859789", "junk", "letters_in_number", IMEI),
        ("*#0606#", "junk", "dial_code", ""),
        ("0X1424a5d0f5c6d", "junk", "hex_literal", ""),
        ("+35 417803 685978 9", "junk", "leading_plus", IMEI),
        ("+44 20 7946 0958", "msisdn", "phone_number", ""),
        ("0033612345678", "msisdn", "phone_number", ""),
        ("06 12 34 56 78", "msisdn", "phone_number", ""),
        ("354178\x00036859789", "junk", "control_characters", ""),
        ("354178\x1d036859789", "junk", "control_characters", ""),
        ("\x07354178036859789", "junk", "control_characters", ""),
        ("1" * (MAX_RAW_LENGTH + 1), "junk", "too_long", ""),
        ("\u200b\ufeff", "junk", "empty", ""),
        ("354178036859789' OR 1=1", "junk", "unexpected_characters", ""),
        ("DROP TABLE orders1", "junk", "not_recognised", ""),
        ("ſ C8QH6T96DPNG", "junk", "unexpected_characters", ""),
        (f"{IMEI}; {OTHER}", "multi", "several_numbers", ""),
        (f"{IMEI} {OTHER}", "multi", "several_numbers", ""),
        (f"{IMEI}{OTHER}", "multi", "several_numbers", ""),
        (f"{IMEI}/{OTHER}", "multi", "several_numbers", ""),
        ("35 417803 685978 9 35 417804 685978 7", "multi", "several_numbers", ""),
        (f"IMEI1: {IMEI} IMEI2: {OTHER}", "multi", "several_numbers", ""),
        (f"IMEI {IMEI} S/N C8QH6T96DPNG", "multi", "several_numbers", ""),
        ("C8QH6T96DPNG R58M12AB3CD", "multi", "several_numbers", ""),
        (f"{IMEI}\n35-417803-685978-9", "multi", "same_number_twice", IMEI),
        ("AAAAAAAAAAAAAA", "meid_hex", "repeated_digit", ""),
        ("293608736599999999", "junk", "too_many_digits", ""),
        ("FFFFFFFF", "esn_hex", "esn_invalid", ""),
        ("890490320001000000000000000001870", "eid", "eid_invalid", ""),
        ("8944200000000000018", "iccid", "iccid_invalid", ""),
        ("8944 2000 0000 0000 017F", "iccid", "iccid_invalid", ""),
        ("C8QH6T96DPNI", "serial_apple", "serial_letter", "C8QH6T96DPN1"),
        ("X7K2P9QWLO", "serial_apple", "serial_letter", "X7K2P9QWL0"),
        ("S R58M12AB3CD", "junk", "not_recognised", ""),
    ],
)
def test_neighbour_refused(raw: str, kind: str, code: str, suggestion: str):
    error = refusal(recognise, raw)
    assert (str(error.kind), error.code, error.suggestion) == (kind, code, suggestion)


@pytest.mark.parametrize(
    ("raw", "warning"),
    [
        (IMEI, ""),
        ("359009123456780", ""),
        ("448145510203048", ""),
        (f"{IMEI}/01", ""),
        (IMEI[:14], "imei14"),
        (IMEI[:14] + "01", "imeisv"),
        ("111111111111119", "unknown_range"),
        ("123456789012347", "sequence"),
        ("012345678901237", "sequence"),
        (luhn.calc_check_digit("20801123456789").join(("20801123456789", "")), "maybe_imsi"),
        ("100000000000017", "not_a_phone"),
    ],
)
def test_accepted_imei_and_what_it_asks_to_compare(raw: str, warning: str):
    found = parse_imei(raw)
    assert len(found.value) == 15
    assert found.warning_code == warning
    assert found.warning is (WARNINGS[warning] if warning else "")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("001015000000015", "test_imei"),
        ("00101500000001", "test_imei"),
        ("0200000000000101", "test_imei"),
        ("020000000000014/01", "test_imei"),
        ("004999010640000", "placeholder_imei"),
        ("354178036859781", "check_digit"),
        ("208011234567890", "imsi"),
        ("13006001234568", "leading_zero"),
        ("AF0123450ABCDE", "meid_not_imei"),
        ("AF0123450ABCDED", "meid_not_imei"),
        ("293608736500703710", "meid_not_imei"),
        ("80A1B2C3", "esn_not_accepted"),
        ("12810663620", "esn_not_accepted"),
        ("89049032000100000000000000000188", "eid_not_accepted"),
        ("8944200000000000017", "iccid_not_accepted"),
        ("C8QH6T96DPNO", "serial_not_imei"),
        ("R58M12AB3CD", "serial_not_imei"),
        ("+33612345678", "phone_number"),
        (f"{IMEI} / {OTHER}", "several_numbers"),
        ("", "empty"),
        ("*#06#", "dial_code"),
    ],
)
def test_an_imei_field_refuses(raw: str, code: str):
    error = refusal(parse_imei, raw)
    assert error.code == code
    assert error.message is ERRORS[code]


def test_a_decimal_meid_offers_the_imei_of_the_phone():
    assert refusal(parse_imei, "99000453000777").suggestion == "990004530007776"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (IMEI, IMEI),
        ("AF 01 23 45 0A BC DE C", "AF0123450ABCDE"),
        ("29360 87365 0070 3710 0", "AF0123450ABCDE"),
        ("c8qh6t96dpng", "C8QH6T96DPNG"),
        ("R58M12AB3CD", "R58M12AB3CD"),
    ],
)
def test_imei_or_serial_accepts(raw: str, value: str):
    assert parse_imei_or_serial(raw).value == value


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("001015000000015", "test_imei"),
        ("C8QH6T96DPNO", "serial_letter"),
        ("C8QH6T96D", "serial_length"),
        ("AF0123450ABCDED", "meid_invalid"),
        ("80A1B2C3", "esn_not_accepted"),
        ("8944200000000000010F", "iccid_not_accepted"),
        ("89049032000100000000000000000187", "eid_not_accepted"),
        ("+33612345678", "phone_number"),
    ],
)
def test_imei_or_serial_refuses(raw: str, code: str):
    assert refusal(parse_imei_or_serial, raw).code == code


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("+33612345678", "+33612345678"),
        (" +33 6-12.34/56 78 ", "+33612345678"),
        ("+44 (0)20 7946 0958", "+442079460958"),
        ("(+1) 310 555-1234", "+13105551234"),
        ("＋٣٣٦١٢٣٤٥٦٧٨", "+33612345678"),
        ("tel: +33612345678", "+33612345678"),
        ("\u202a+33612345678\u202c", "+33612345678"),
        ("+12345678", "+12345678"),
        ("+123456789012345", "+123456789012345"),
    ],
)
def test_phone_number_accepted(raw: str, value: str):
    assert parse_msisdn(raw) == Identifier(IdentifierKind.MSISDN, value)


@pytest.mark.parametrize(
    ("raw", "code", "suggestion"),
    [
        ("", "msisdn_empty", ""),
        ("06 12 34 56 78", "msisdn_international", ""),
        ("(020) 7946 0958", "msisdn_international", ""),
        ("0033612345678", "msisdn_international", "+33612345678"),
        ("+0612345678", "msisdn_international", ""),
        ("+1234567", "msisdn_length", ""),
        ("+1234567890123456", "msisdn_length", ""),
        ("+33 6 12 34 56 ext 7", "msisdn_format", ""),
        ("+33612345678, +33698765432", "msisdn_several", ""),
        (IMEI, "msisdn_is_imei", ""),
        ("+" + IMEI, "msisdn_is_imei", ""),
        ("+33\x00612345678", "control_characters", ""),
    ],
)
def test_phone_number_refused(raw: str, code: str, suggestion: str):
    error = refusal(parse_msisdn, raw)
    assert (error.code, error.suggestion) == (code, suggestion)


def test_phone_number_of_the_country_of_a_service():
    assert parse_msisdn("+33612345678", country="fr").value == "+33612345678"
    assert parse_msisdn("+33612345678", country="??").value == "+33612345678"
    assert parse_msisdn("+33612345678", country="").value == "+33612345678"
    assert refusal(lambda raw: parse_msisdn(raw, country="US"), "+33612345678").code == "msisdn_country"


def test_bulk_paste_splits_at_lines_commas_and_semicolons():
    raw = f"{IMEI}\r\n\n {OTHER} ;; \u200b,AF 01 23 45 0A BC DE C,'490154203237518'\u2028x"
    assert split_bulk(raw, limit=5) == [IMEI, OTHER, "AF 01 23 45 0A BC DE C", "'490154203237518'", "x"]


def test_bulk_paste_keeps_a_grouped_imei_together():
    entries = split_bulk("35,417803,685978,9, 35, 417804, 685978, 7;35-417803-685978-9", limit=3)
    assert [parse_imei(entry).value for entry in entries] == [IMEI, OTHER, IMEI]


def test_bulk_paste_stops_at_the_limit():
    assert split_bulk("", limit=0) == []
    assert len(split_bulk("1\n2\n3", limit=3)) == 3
    assert refusal(lambda raw: split_bulk(raw, limit=2), "1\n2\n3").code == "too_many"
    assert refusal(lambda raw: split_bulk(raw, limit=2), "1," * 500_000).code == "too_many"


def test_writing():
    assert group_imei(IMEI) == "35-417803-685978-9"
    assert group_imei("C8QH6T96DPNG") == "C8QH6T96DPNG"
    assert mask_identifier(IMEI) == "354178•••••9789"
    assert mask_identifier("C8QH6T96DPNG") == "C8Q•••••DPNG"
    assert mask_identifier("1") == "•"
    assert mask_identifier("") == ""


def test_an_error_shows_its_code_and_not_the_number():
    error = refusal(recognise, "354178036859780")
    assert str(error) == "spare_digit"
    assert IMEI not in repr(error)
    assert pickle.loads(pickle.dumps(error)).code == "spare_digit"


ALPHABET = "0123456789 -/.,;:\n\t()'\"+*#ABCDEFIMNOSXZl\u200b\u202a\u2013\u0663\u0967³\x00"
TEXTS = st.one_of(
    st.text(max_size=250),
    st.text(alphabet=st.characters(), max_size=40),
    st.text(alphabet=ALPHABET, max_size=60),
    st.from_regex(r"(IMEI[12]?:? ?)?[0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{6}[ -]?[0-9]{0,2}(/[0-9]{2})?", fullmatch=True),
    st.from_regex(r"(S/N |SN: |S ?)?[0-9A-Z]{7,17}", fullmatch=True),
    st.from_regex(r"[A-F0-9]{14,15}|[2-4][0-9]{17,18}", fullmatch=True),
)


def outcome(parse: Callable[[str], Identifier], raw: str) -> Identifier | IdentifierInvalid:
    try:
        return parse(raw)
    except IdentifierInvalid as error:
        return error


@settings(max_examples=1500, deadline=None)
@given(TEXTS)
@example("\ud800")
@example("S/N IMEI12345678AB")
@example("+" * 200)
@example("IMEI" * 50)
@example("1 " * 100)
@example("E" + " " * 198 + "1")
@example("SAAAAAAAAAA")
@example("S0000000000")
def test_any_text_is_recognised_or_refused_and_a_result_reads_as_itself(raw: str):
    assert isinstance(outcome(recognise, raw).kind, IdentifierKind)
    for parse in (parse_imei, parse_imei_or_serial, parse_msisdn):
        result = outcome(parse, raw)
        if isinstance(result, IdentifierInvalid):
            assert result.code in ERRORS
        else:
            assert parse(result.value).value == result.value


@given(st.text(alphabet=ALPHABET, max_size=300), st.integers(0, 20))
def test_any_bulk_paste_is_split_or_refused(raw: str, limit: int):
    everything = split_bulk(raw, limit=1000)
    assert all(entry.strip() for entry in everything)
    if len(everything) > limit:
        assert refusal(lambda text: split_bulk(text, limit=limit), raw).code == "too_many"
    else:
        assert split_bulk(raw, limit=limit) == everything


@given(st.text(max_size=30))
def test_a_mask_hides_and_keeps_the_length(value: str):
    masked = mask_identifier(value)
    assert len(masked) == len(value)
    assert masked.count("•") >= min(len(value) - len(value) // 3, 5)


@given(st.integers(10**11, 10**12 - 1), st.integers(0, 14), st.integers(1, 9))
def test_one_wrong_digit_is_never_accepted(serial: int, place: int, shift: int):
    imei = f"35{serial}"
    imei += luhn.calc_check_digit(imei)
    assert parse_imei(imei).value == imei
    wrong = imei[:place] + str((int(imei[place]) + shift) % 10) + imei[place + 1 :]
    assert refusal(recognise, wrong).kind is IdentifierKind.IMEI
