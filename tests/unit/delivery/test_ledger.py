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


async def test_work_at_which_the_database_fails_fails_alone_and_leaves_nothing(
    ledger: Ledger,
) -> None:
    url = "https://example.com/"

    def half_done(db: sql.Connection) -> None:
        endpoints.add(db, url, "half", 1.0)
        db.execute(sql.text("SELECT nothing"))

    added, failed, again = await asyncio.gather(
        ledger.run(lambda db: endpoints.add(db, url, None, 1.0)),
        ledger.run(half_done),
        ledger.run(lambda db: endpoints.add(db, url, None, 2.0)),
        return_exceptions=True,
    )
    assert isinstance(failed, LedgerError)
    assert await ledger.run(endpoints.every) == [added, again]


async def test_a_fault_in_one_work_is_no_fault_of_the_others_in_its_commit(
    ledger: Ledger,
) -> None:
    def faulty(db: sql.Connection) -> None:
        endpoints.add(db, "https://example.com/", "half", 1.0)
        raise ZeroDivisionError

    outcomes = await asyncio.gather(
        ledger.run(faulty),
        ledger.run(endpoints.every),
        ledger.run(faulty),
        ledger.run(endpoints.every),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [
        ZeroDivisionError, list, ZeroDivisionError, list
    ]  # fmt: skip
    assert await ledger.run(endpoints.every) == []


async def test_when_the_commit_itself_fails_every_work_of_it_hears_so(ledger: Ledger) -> None:
    def lose_the_transaction(db: sql.Connection) -> None:
        db.exec_driver_sql("ROLLBACK")  # as SQLite does on a full disk

    outcomes = await asyncio.gather(
        ledger.run(lambda db: endpoints.add(db, "https://example.com/", None, 1.0)),
        ledger.run(lose_the_transaction),
        return_exceptions=True,
    )
    assert all(isinstance(outcome, LedgerError) for outcome in outcomes)
    assert await ledger.run(endpoints.every) == []


async def test_what_a_failure_says_quotes_nothing_that_was_stored(ledger: Ledger) -> None:
    said = "what the client said"
    fails = sql.text("INSERT INTO nothing VALUES (:text)")
    with pytest.raises(LedgerError) as failure:
        await ledger.run(lambda db: db.execute(fails, {"text": said}))
    assert said not in str(failure.value)


async def test_work_whose_thread_is_gone_fails_instead_of_waiting(tmp_path: Path) -> None:
    ledger = await Ledger.of_folder(tmp_path)
    await ledger.close()
    async with asyncio.timeout(5):
        with pytest.raises(LedgerError):
            await ledger.run(endpoints.every)


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
