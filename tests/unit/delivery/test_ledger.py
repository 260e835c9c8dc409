import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sql

from vivavoce.delivery import endpoints
from vivavoce.delivery.endpoints import UnknownEndpointError
from vivavoce.delivery.ledger import FILE, Ledger, LedgerError


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    opened = await Ledger.of_folder(tmp_path)
    yield opened
    await opened.close()


async def test_work_is_done_in_the_order_it_is_asked_for(ledger: Ledger) -> None:
    done: list[int] = []
    await asyncio.gather(*(ledger.run(lambda _, n=n: done.append(n)) for n in range(500)))  # type: ignore[misc]  # n is bound here
    assert done == list(range(500))


async def test_work_that_is_refused_does_not_spoil_what_is_done_with_it(ledger: Ledger) -> None:
    url = "https://example.com/"
    added, refused, again = await asyncio.gather(
        ledger.run(lambda db: endpoints.add(db, url, None, 1.0)),
        ledger.run(lambda db: endpoints.find(db, "ep_unknown")),
        ledger.run(lambda db: endpoints.add(db, url, None, 2.0)),
        return_exceptions=True,
    )
    assert isinstance(refused, UnknownEndpointError)
    assert await ledger.run(endpoints.every) == [added, again]


async def test_a_database_that_fails_says_so_and_nothing_is_half_done(ledger: Ledger) -> None:
    url = "https://example.com/"
    results = await asyncio.gather(
        ledger.run(lambda db: endpoints.add(db, url, None, 1.0)),
        ledger.run(lambda db: db.execute(sql.text("SELECT nothing"))),
        return_exceptions=True,
    )
    assert all(isinstance(result, LedgerError) for result in results)
    assert await ledger.run(endpoints.every) == []


async def test_what_is_stored_is_found_by_others_and_only_its_owner_reads_it(
    ledger: Ledger, tmp_path: Path
) -> None:
    made = await ledger.run(lambda db: endpoints.add(db, "https://example.com/", "me", 1.0))
    other = await Ledger.of_folder(tmp_path)
    assert await other.run(endpoints.every) == [made]
    assert (tmp_path / FILE).stat().st_mode & 0o077 == 0
    await other.close()


async def test_a_key_sees_its_own_endpoints_and_a_new_secret_stands_before_the_old_one(
    ledger: Ledger,
) -> None:
    made = await ledger.run(lambda db: endpoints.add(db, "https://example.com/", "me", 1.0))
    with pytest.raises(UnknownEndpointError):
        await ledger.run(lambda db: endpoints.find(db, made.id, "them"))
    renewed = await ledger.run(lambda db: endpoints.rotate(db, made.id, "me"))
    assert renewed.secrets[1:] == made.secrets
    third = await ledger.run(lambda db: endpoints.rotate(db, made.id, "me"))
    assert third.secrets[1:] == renewed.secrets[:1]
    first = await ledger.run(lambda db: endpoints.callback_secrets(db, "me"))
    assert await ledger.run(lambda db: endpoints.callback_secrets(db, "me")) == first
    rotated = await ledger.run(lambda db: endpoints.rotate_callback_secret(db, "me"))
    assert rotated[1:] == first
