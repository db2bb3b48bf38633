import hashlib
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
import torch
from skimage import data

from services.lipsync.engine import Footage
from tests.checkpoints.latentsync import write_latentsync

FACE = slice(0, 250), slice(100, 350)  # of the astronaut, 512 x 512


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    return write_latentsync(tmp_path_factory.mktemp("latentsync"))


@pytest.fixture(scope="session")
def portrait():
    """A real face, (250, 250, 3) RGB."""
    return data.astronaut()[FACE]


def write_footage(path, pictures, rate_hz=25, gop=12):
    """H.264 as the film's conform step writes it: 4:2:0, closed short GOPs, no B-frames."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate_hz)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = Fraction(1, rate_hz)
        stream.options = {"bf": "0", "g": str(gop), "crf": "12", "x264-params": "log-level=none:threads=1"}
        for picture in pictures:
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    return Footage(path, hashlib.sha256(path.read_bytes()).hexdigest())


def moving(portrait, frames, width=320, height=320):
    """The head drifting and tilting over a plain ground."""
    pictures = []
    for frame in range(frames):
        angle, phase = 3 * np.sin(frame / 9), frame / 7
        matrix = cv2.getRotationMatrix2D((125, 125), angle, 1.0)
        matrix[:, 2] += (width / 2 - 125 + 6 * np.sin(phase), height / 2 - 125 + 4 * np.cos(phase))
        pictures.append(cv2.warpAffine(portrait, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE))
    return pictures


@pytest.fixture(scope="session")
def footage(portrait, tmp_path_factory):
    """Thirty frames; the face is covered in frames 12 to 15."""
    pictures = moving(portrait, 30)
    for frame in range(12, 16):
        pictures[frame] = np.full_like(pictures[frame], 90)
    return write_footage(tmp_path_factory.mktemp("footage") / "head.mp4", pictures)
