from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from django.test import Client

from refunds import terms
from unlockshop.kernel import clock

pytestmark = pytest.mark.django_db

# A published text is never edited: somebody bought under it. Changed rules get a version and a line of their own.
PUBLISHED = {
    "2026-11": "c2e55e9e1a1ef6779911eb6d02e8abc78e6b9c723a63976de96361394a63c921",
    "2026-11-22": "5caf11c76439cb0b268f4c054051683e342247d983dde5f85c30bfa9ad84c840",
}


def test_published_versions_never_change() -> None:
    assert {version.version: version.fingerprint() for version in terms.all_versions()} == PUBLISHED


def test_fingerprint_sees_every_word() -> None:
    version = terms.current()
    first = version.sections[0]
    for other in (
        replace(version, effective_on=date(2026, 11, 2)),
        replace(version, sections=version.sections[1:]),
        replace(version, sections=(replace(first, paragraphs=first.paragraphs[:1]), *version.sections[1:])),
    ):
        assert other.fingerprint() != version.fingerprint()


def test_version_in_force_is_the_latest_that_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    later = replace(terms.current(), version="2027-03", effective_on=date(2027, 3, 1))
    monkeypatch.setattr(terms, "_VERSIONS", (terms.current(), later))
    with clock.frozen(datetime(2027, 2, 28, 23, 59, tzinfo=UTC)):
        assert terms.current().version == "2026-11-22"
    with clock.frozen(datetime(2027, 3, 1, tzinfo=UTC)):
        assert terms.current().version == "2027-03"


def test_page_shows_every_section(client: Client) -> None:
    response = client.get("/terms/")
    assert response.status_code == 200
    page = response.content.decode()
    for section in terms.current().sections:
        assert f'id="{section.anchor}"' in page
    assert "not the version in force" not in page


def test_earlier_version_says_so(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    later = replace(terms.current(), version="2026-11-b", effective_on=date(2026, 11, 2))
    monkeypatch.setattr(terms, "_VERSIONS", (terms.by_version("2026-11"), later))
    with clock.frozen(datetime(2026, 12, 1, tzinfo=UTC)):
        page = client.get("/terms/2026-11/").content.decode()
    assert "not the version in force" in page
    assert "/terms/2026-11-b/" in page


@pytest.mark.parametrize("version", ["2020-01", "x", "2026-11-"])
def test_unknown_version(client: Client, version: str) -> None:
    assert client.get(f"/terms/{version}/").status_code == 404
