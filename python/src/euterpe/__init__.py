"""Jobs of an Euterpe graph as Python functions: inputs by name, the output by return.

    from euterpe import Audio, transform

    @transform
    def louder(audio: Audio, *, gain: float = 2.0) -> Audio:
        return Audio(audio.samples * gain, audio.rate)

Needs nothing but the standard library, and numpy where a transform asks for arrays or audio.
"""

import sys

if sys.version_info < (3, 9):  # noqa: UP036  a node may be told to use an older one
    raise ImportError("euterpe needs Python 3.9 or newer; this is Python {}.{}".format(*sys.version_info[:2]))

from euterpe.audio import Audio
from euterpe.context import Context
from euterpe.decorator import transform
from euterpe.faults import BadInput, Fatal, Skip

__all__ = ["Audio", "BadInput", "Context", "Fatal", "Skip", "transform"]
