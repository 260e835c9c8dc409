from recognition_support import a_job
from vivavoce.recognition.quarantine import Quarantine


def test_a_job_that_loses_two_workers_alone_is_condemned() -> None:
    quarantine, job = Quarantine(), a_job()
    quarantine.worker_lost([job], alone=True)
    assert not quarantine.is_condemned(job)
    quarantine.worker_lost([job], alone=True)
    assert quarantine.is_condemned(job)


def test_jobs_that_lose_a_worker_together_are_suspects_without_a_strike() -> None:
    quarantine, jobs = Quarantine(), [a_job(session=str(n)) for n in range(3)]
    for _ in range(5):
        quarantine.worker_lost(jobs, alone=False)
    assert all(quarantine.is_suspect(job) for job in jobs)
    assert not any(quarantine.is_condemned(job) for job in jobs)


def test_the_partials_of_a_channel_are_judged_together() -> None:
    quarantine = Quarantine()
    quarantine.worker_lost([a_job("first_partial")], alone=True)
    quarantine.worker_lost([a_job("refresh_partial")], alone=True)
    assert quarantine.is_condemned(a_job("refresh_partial"))
    assert not quarantine.is_condemned(a_job("refresh_partial", channel=1))
    assert not quarantine.is_condemned(a_job("language"))


def test_the_final_of_suspected_partials_is_a_suspect_but_has_its_own_tries() -> None:
    quarantine, final = Quarantine(), a_job()
    for _ in range(2):
        quarantine.worker_lost([a_job("refresh_partial")], alone=True)
    assert quarantine.is_suspect(final)
    assert not quarantine.is_condemned(final)


def test_the_next_utterance_starts_without_strikes() -> None:
    quarantine = Quarantine()
    for _ in range(2):
        quarantine.worker_lost([a_job("refresh_partial")], alone=True)
    quarantine.utterance_ended(a_job())
    assert not quarantine.is_suspect(a_job("first_partial"))


def test_an_answer_clears_what_stood_against_a_job() -> None:
    quarantine, job = Quarantine(), a_job()
    quarantine.worker_lost([job], alone=True)
    quarantine.release(job)
    quarantine.worker_lost([job], alone=True)
    assert not quarantine.is_condemned(job)


def test_an_ended_session_is_forgotten() -> None:
    quarantine = Quarantine()
    for session in ("ended", "other"):
        quarantine.worker_lost([a_job("refresh_partial", session=session)], alone=True)
    quarantine.forget("ended")
    assert not quarantine.is_suspect(a_job("refresh_partial", session="ended"))
    assert quarantine.is_suspect(a_job("refresh_partial", session="other"))
