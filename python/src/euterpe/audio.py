"""Audio as a transform gets and returns it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import numpy
    from numpy.typing import ArrayLike, NDArray

MOST_CHANNELS = 64


class Audio:
    """Decoded audio.

    `samples` is float32 of shape (frames, channels), full scale at ±1.0; `rate` is in Hz. What a transform is given
    may be written to: it is a private copy in memory, made page by page where it is changed, and never reaches the
    file.
    """

    __slots__ = ("rate", "samples")

    samples: NDArray[numpy.float32]
    rate: int

    def __init__(self, samples: ArrayLike, rate: int) -> None:
        """Takes samples of shape (frames, channels), or (frames,) for one channel, of any float type.

        Float32 is kept without a copy. Whether all samples are finite is looked at when the audio is written.

        Raises:
            TypeError: for integer samples and whatever else is not float; says how to scale them.
            ValueError: for another shape, or a rate that is not a positive whole number.
        """
        self.samples = checked(samples)
        if isinstance(rate, bool) or rate != int(rate) or not 0 < rate <= 768_000:
            raise ValueError(f"rate is a whole number of Hz from 1 to 768000, got {rate!r}")
        self.rate = int(rate)

    @property
    def frames(self) -> int:
        """How many samples each channel has."""
        return int(self.samples.shape[0])

    @property
    def channels(self) -> int:
        """How many channels there are."""
        return int(self.samples.shape[1])

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.frames / self.rate

    def mono(self) -> Audio:
        """One channel: the mean of all; itself where it has one already."""
        if self.channels == 1:
            return self
        return Audio(self.samples.mean(axis=1, dtype="float32"), self.rate)

    def __repr__(self) -> str:
        ways = "mono" if self.channels == 1 else "stereo" if self.channels == 2 else f"{self.channels} channels"
        return f"<Audio {self.seconds:.3f} s, {self.rate} Hz, {ways}>"


def checked(samples: ArrayLike) -> NDArray[numpy.float32]:
    """Gives `samples` as float32 of shape (frames, channels); raises as `Audio` says."""
    import numpy as np

    array = np.asarray(samples)
    if array.dtype.kind in "iu":
        full = 128 if array.dtype.itemsize == 1 else 2 ** (8 * array.dtype.itemsize - 1)
        raise TypeError(f"samples are {array.dtype}; full scale is ±1.0 in float: give samples / {full}")
    if array.dtype.kind != "f":
        raise TypeError(f"samples are {array.dtype}; give float32 with full scale at ±1.0")
    if array.ndim == 1:
        array = array.reshape(-1, 1)
    if array.ndim != 2:
        raise ValueError(f"samples have the shape {array.shape}; give (frames, channels)")
    if not 1 <= array.shape[1] <= MOST_CHANNELS:
        turned = "; frames come first: give samples.T" if 1 <= array.shape[0] <= MOST_CHANNELS else ""
        raise ValueError(f"samples have the shape {array.shape}, which is {array.shape[1]} channels{turned}")
    return array.astype("<f4", copy=False)


def finite(samples: NDArray[numpy.float32]) -> None:
    """Raises ValueError that says where the first sample stands that is nan or infinite."""
    import numpy as np

    flat = samples.reshape(-1)
    with np.errstate(all="ignore"):
        if np.isfinite(np.dot(flat, flat)):  # one pass without a copy: nan and inf survive any sum
            return
    frames = np.flatnonzero(~np.isfinite(samples).all(axis=1))
    if frames.size:
        raise ValueError(f"{frames.size} frames of the audio are nan or infinite, the first is frame {frames[0]}")
