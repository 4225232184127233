"""Compares mel spectrograms with librosa's; prints the worst difference in dB of each case, above -80 dB of its peak."""

import json
import sys
import warnings

import librosa
import numpy as np
import soundfile

warnings.filterwarnings("ignore", message="Empty filters")
warnings.filterwarnings("ignore", message="n_fft=")

for case in json.load(open(sys.argv[1])):
    samples, rate = soundfile.read(case["sound"], dtype="float32", always_2d=True)
    options = dict(case["with"])
    options["hop_length"] = options.pop("hop")
    if options.get("norm") == "none":
        options["norm"] = None
    want = librosa.feature.melspectrogram(y=librosa.to_mono(samples.T), sr=rate, **options)
    made = np.load(case["made"])
    assert made.dtype == np.dtype("<f4") and made.flags["C_CONTIGUOUS"], (made.dtype, made.flags)
    assert made.shape == want.shape, (made.shape, want.shape)
    power = options.get("power", 2.0)
    level = 20 / power * np.log10(np.maximum(want, 1e-30))
    loud = level > level.max() - 80
    difference = 20 / power * np.log10(np.maximum(made[loud], 1e-30) / want[loud])
    name = case["sound"].rsplit("/", 1)[-1]
    print(f"{np.abs(difference).max():.6f} dB  {name}  {case['with']}  {loud.sum()} of {loud.size} cells  librosa {librosa.__version__}")
