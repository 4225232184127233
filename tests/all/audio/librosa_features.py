"""Compares spectra, cepstra, pitch, rhythm and descriptors with librosa's; prints the worst difference of each case, as a share of what is allowed."""

import json
import sys
import warnings

import librosa
import numpy as np
import soundfile

warnings.filterwarnings("ignore")


def stft(y, sr, options):
    frames = {name: options[name] for name in ("center", "pad_mode") if name in options}
    want = librosa.stft(y, n_fft=options["n_fft"], hop_length=options["hop"], **frames)
    if options.get("top_db"):
        return librosa.power_to_db(np.abs(want) ** 2, ref=np.max, top_db=options["top_db"]), 1e-3
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
    if options.pop("mel_norm", "slaney") == "none":
        options["norm"] = None
    levels = librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=sr, hop_length=hop, **options), top_db=top_db)
    want = librosa.feature.mfcc(S=levels, n_mfcc=n_mfcc)
    return want, 1e-3 * max(1.0, np.abs(want).max() / 100)


def chroma(y, sr, options):
    options = {"tuning": 0.0, "norm": np.inf} | options
    options["norm"] = {"l2": 2}.get(options["norm"], options["norm"])
    return librosa.feature.chroma_stft(y=y, sr=sr, hop_length=options.pop("hop"), **options), 1e-3


def onset(y, sr, options):
    want = librosa.onset.onset_strength(y=y, sr=sr, n_fft=options["n_fft"], hop_length=options["hop"])
    return want, 1e-3 * max(1.0, want.max())


def cqt(y, sr, options):
    want = np.abs(librosa.cqt(y, sr=sr, hop_length=options["hop"], **{k: v for k, v in options.items() if k != "hop"}))
    return want, 1e-3 * want.max()


def onset_told(y, sr, told):
    return share_of_times(told["onsets_s"], librosa.onset.onset_detect(y=y, sr=sr, units="time"))


def tempo_told(y, sr, told):
    tempo, beats = librosa.beat.beat_track(y=y, sr=sr, units="time")
    assert np.allclose(told["tempo_bpm"] or 0.0, tempo, rtol=1e-6), (told["tempo_bpm"], tempo)
    return share_of_times(told["beats_s"], beats)


def share_of_times(made, want):
    """How many of the times differ, as a share of the twentieth that may."""
    made, want = {round(time, 3) for time in made}, {round(float(time), 3) for time in want}
    return len(made ^ want) / max(1, len(want)) / 0.05


def hpss(channels, part, made):
    """How far the parts of all channels are off, as a share of what may be."""
    wanted = [librosa.effects.hpss(y)[["harmonic", "percussive"].index(part)] for y in channels]
    return np.abs(soundfile.read(made, dtype="float32", always_2d=True)[0].T - wanted).max() / 1e-4


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
    mono, name = librosa.to_mono(samples.T), case["sound"].rsplit("/", 1)[-1]
    if case["made"].endswith(".json"):
        print(f"{globals()[case['kind']](mono, rate, json.load(open(case['made']))):.4f}  {case['kind']}  {name}")
        continue
    if case["kind"] == "hpss":
        print(f"{hpss(samples.T, case['part'], case['made']):.4f}  {case['part']}  {name}")
        continue
    want, allowed = globals()[case["kind"]](mono, rate, dict(case["with"]))
    made = np.load(case["made"])
    wanted = np.dtype("<c8" if np.iscomplexobj(want) else "<f4")
    assert made.dtype == wanted and made.flags["C_CONTIGUOUS"], (made.dtype, made.flags)
    assert made.shape == want.shape, (case, made.shape, want.shape)
    if case["with"].get("value") == "decibels" and "top_db" not in case["with"]:
        made = np.maximum(made, 0)
    if case["kind"] == "descriptors":
        # Where exactly 85 % lie below a bin, float32 may find the next one. In two frames of a thousand that is no difference.
        beside = np.abs(made[2] - want[2]) > allowed[2]
        one_bin = np.abs(made[2] - want[2]) < 1.01 * rate / case["with"]["n_fft"]
        if (beside <= one_bin).all() and beside.sum() <= 0.002 * beside.size:
            made[2] = want[2]
    worst = (np.abs(made.astype(want.dtype) - want) / allowed).max()
    print(f"{worst:.4f}  {case['kind']}  {name}  {case['with']}")
