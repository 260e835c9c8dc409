import io

import pytest

from recognition_support import a_job
from vivavoce.recognition import frames
from vivavoce.recognition.frames import Decode, EngineSpec, FrameError


def test_frames_come_out_of_a_stream_as_they_went_in() -> None:
    first, second = EngineSpec("a.b:c", {"n": 1}), Decode((a_job().request,))
    stream = io.BytesIO(frames.pack(first) + frames.pack(second))
    assert frames.read_frame(stream) == frames.pack(first)[4:]
    assert frames.read_frame(stream) == frames.pack(second)[4:]
    assert frames.read_frame(stream) is None


@pytest.mark.parametrize("missing", [1, 5, 30])
def test_a_stream_that_ends_inside_a_frame_is_an_error(missing: int) -> None:
    whole = frames.pack(EngineSpec("package.module:function"))
    with pytest.raises(FrameError, match="inside a frame"):
        frames.read_frame(io.BytesIO(whole[:-missing]))


def test_a_header_that_is_text_is_no_frame() -> None:
    with pytest.raises(FrameError, match="over the limit"):
        frames.read_frame(io.BytesIO(b"Hello from a library\n"))


def test_a_message_over_the_limit_is_not_sent() -> None:
    with pytest.raises(FrameError, match="over the limit"):
        frames.pack(Decode((a_job(samples=frames.MAX_FRAME_BYTES // 4).request,)))


@pytest.mark.parametrize(
    "loader", ["", "module", "module:", ":function", "os.system", "a b:c", "a:b:c"]
)
def test_a_loader_is_a_module_and_a_function(loader: str) -> None:
    with pytest.raises(ValueError, match=r"package\.module:function"):
        EngineSpec(loader)
