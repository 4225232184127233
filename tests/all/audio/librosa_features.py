"""Compares spectra, cepstra and descriptors with librosa's; prints the worst difference of each case, as a share of what is allowed."""

import json
import sys
import warnings

import librosa
import numpy as np
import soundfile

warnings.filterwarnings("ignore")


def stft(y, sr, options):
    want = librosa.stft(y, n_fft=options["n_fft"], hop_length=options["hop"])
    if options.get("value") == "complex":
        return want, 1e-6 * np.abs(want).max()
    if options.get("value") == "decibels":
        # What is nearly silent is float32's rounding in librosa.
        want = np.maximum(10 * np.log10(np.maximum(np.abs(want) ** 2, 1e-10)), 0)
        return want, 1e-3 * 10
    want = np.abs(want)
    return want, 1e-6 * want.max()


def mfcc(y, sr, options):
    options = dict(options)
    hop = options.pop("hop")
    top_db = options.pop("top_db", 80.0)
    n_mfcc = options.pop("n_mfcc", 20)
    levels = librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=sr, hop_length=hop, **options), top_db=top_db)
    want = librosa.feature.mfcc(S=levels, n_mfcc=n_mfcc)
    return want, 1e-3 * max(1.0, np.abs(want).max() / 100)


def descriptors(y, sr, options):
    frame = dict(n_fft=options["n_fft"], hop_length=options["hop"])
    one = librosa.feature
    want = np.vstack([
        one.spectral_centroid(y=y, sr=sr, **frame),
        one.spectral_bandwidth(y=y, sr=sr, **frame),
        one.spectral_rolloff(y=y, sr=sr, **frame),
        one.spectral_flatness(y=y, **frame),
        one.zero_crossing_rate(y, frame_length=options["n_fft"], hop_length=options["hop"]),
        one.rms(y=y, frame_length=options["n_fft"], hop_length=options["hop"]),
        one.spectral_contrast(y=y, sr=sr, n_bands=options["contrast_bands"], **frame),
    ])
    return want, 1e-3 * np.maximum(np.abs(want).max(axis=1, keepdims=True), 1e-6)


for case in json.load(open(sys.argv[1])):
    samples, rate = soundfile.read(case["sound"], dtype="float32", always_2d=True)
    want, allowed = globals()[case["kind"]](librosa.to_mono(samples.T), rate, case["with"])
    made = np.load(case["made"])
    wanted = np.dtype("<c8" if np.iscomplexobj(want) else "<f4")
    assert made.dtype == wanted and made.flags["C_CONTIGUOUS"], (made.dtype, made.flags)
    assert made.shape == want.shape, (case, made.shape, want.shape)
    if case["with"].get("value") == "decibels":
        made = np.maximum(made, 0)
    if case["kind"] == "descriptors":
        # Where exactly 85 % lie below a bin, float32 may find the next one. In two frames of a thousand that is no difference.
        beside = np.abs(made[2] - want[2]) > allowed[2]
        one_bin = np.abs(made[2] - want[2]) < 1.01 * rate / case["with"]["n_fft"]
        if (beside <= one_bin).all() and beside.sum() <= 0.002 * beside.size:
            made[2] = want[2]
    worst = (np.abs(made.astype(want.dtype) - want) / allowed).max()
    print(f"{worst:.4f}  {case['kind']}  {case['sound'].rsplit('/', 1)[-1]}  {case['with']}")
