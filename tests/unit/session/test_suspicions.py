from vivavoce.audio.findings import Finding
from vivavoce.session.suspicions import CODE, Suspicions


def test_each_kind_is_reported_once_and_waits_for_a_connection() -> None:
    connected = False
    sent: list[tuple[str, str]] = []

    def send(code: str, text: str) -> bool:
        if connected:
            sent.append((code, text))
        return connected

    suspicions = Suspicions(send)
    assert suspicions.add(Finding("format", "floats"))
    assert not suspicions.add(Finding("format", "floats again"))
    assert suspicions.add(Finding("rate", "too slow"))
    assert not sent
    connected = True
    suspicions.flush()
    suspicions.flush()
    assert sent == [(CODE, "floats"), (CODE, "too slow")]
