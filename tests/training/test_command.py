"""`vader-mlx train` as a user meets it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from mlx_vader import checkpoints, cli
from mlx_vader.checkpoints import BEST
from mlx_vader.cli import train, train_screen
from mlx_vader.errors import UsageError, VaderError
from mlx_vader.models import nafunet, registry
from mlx_vader.training import Report, TrainConfig, run
from mlx_vader.training.config import NETS
from mlx_vader.training.interrupt import Interrupt
from mlx_vader.training.trainer import LAST, STATE
from mlx_vader.training.validation import Scores

ROOT = Path(__file__).parents[2]
SMALL = ["--preset", "tiny", "--size", "16", "--batch-size", "2", "--clip-length", "2", "--before", "2"]
QUICK = [*SMALL, "--artifacts", "corner_logo,gaussian_noise", "--workers", "0", "--device", "cpu"]


def _train(*arguments):
    return cli.run(["train", *map(str, arguments)])


def _train_dummy(out, *arguments):
    return _train("--dummy", "--out", out, *QUICK, *arguments)


def test_a_run_on_drawn_scenes_ends_with_a_checkpoint_that_says_where_it_comes_from(tmp_path, capsys):
    assert _train_dummy(tmp_path / "run", "--steps", 3, "--seed", 5, "--json", "-") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["finished"]
    assert result["step"] == 3
    assert result["scores"]["psnr_before"] > 0
    checkpoint = checkpoints.read(result["checkpoint"])
    assert checkpoint.network == "realtime"
    assert checkpoint.provenance["seed"] == "5"
    assert checkpoint.provenance["steps"] == "3"
    assert "drawn scenes" in checkpoint.provenance["data"]
    assert all(word in checkpoint.provenance["versions"] for word in ("mlx", "numpy"))


def test_losses_are_weighed_as_asked(tmp_path):
    weights = "rmse=1,charbonnier=0,mask=0.01,fft=0,temporal=0"
    _train_dummy(tmp_path / "run", "--steps", 1, "--losses", weights)
    assert config_of(tmp_path / "run")["losses"] | {"perceptual": 0} == {
        **dict.fromkeys(("charbonnier", "fft", "temporal", "edge", "perceptual"), 0.0),
        "rmse": 1.0,
        "mask": 0.01,
    }
    for wrong, message in (("l7=1", "no loss 'l7'"), ("mask=much", "no weight for mask")):
        with pytest.raises(UsageError, match=message):
            _train_dummy(tmp_path / "other", "--losses", wrong)


@pytest.mark.parametrize(("much", "told"), [(0.0, True), (1.0, False)])
def test_a_run_that_waits_for_its_clips_says_what_would_help(tmp_path, monkeypatch, capsys, much, told):
    monkeypatch.setattr(train_screen, "MUCH_WAITING", much)
    _train_dummy(tmp_path / "run", "--steps", 2)
    assert ("--workers, or --echo 4" in capsys.readouterr().err) == told


def config_of(run):
    return json.loads(checkpoints.read(run / LAST).provenance["config"])


def test_a_network_is_trained_with_what_suits_it_unless_told_otherwise(tmp_path):
    realtime = ("--net", "realtime", "--steps", 1)
    _train_dummy(tmp_path / "plain", *realtime)
    plain = config_of(tmp_path / "plain")
    assert (plain["optimiser"], plain["lr"], plain["mask_loss"]) == ("muon", 0.02, "bce")
    assert plain["losses"]["rmse"] == 1
    _train_dummy(
        tmp_path / "told", *realtime, "--optimiser", "adamw", "--mask-loss", "dice", "--losses", "rmse=2"
    )
    told = config_of(tmp_path / "told")
    assert (told["optimiser"], told["lr"], told["mask_loss"]) == ("adamw", 5e-4, "dice")
    assert told["losses"] == plain["losses"] | {"rmse": 2}
    _train("--dummy", "--out", tmp_path / "fine", *QUICK, "--steps", 1, "--init", tmp_path / "plain" / LAST)
    assert config_of(tmp_path / "fine")["lr"] == pytest.approx(0.002)


def test_a_run_remembers_the_runs_before_it(tmp_path):
    _train_dummy(tmp_path / "first", "--steps", 2)
    first = tmp_path / "first" / LAST
    for name in ("second", "third"):
        _train("--dummy", "--out", tmp_path / name, *QUICK, "--steps", 1, "--init", first)
        first = tmp_path / name / LAST
    before = checkpoints.read(first).provenance["before"]
    one, two = before.split("; then ")
    assert one.endswith("(step 2)")
    assert two.endswith("(step 1)")


def test_stopped_and_resumed_equals_uninterrupted(tmp_path):
    _train_dummy(tmp_path / "whole", "--steps", 4)
    _train_dummy(tmp_path / "parts", "--steps", 4, "--stop-after", 2)
    assert _train("--resume", tmp_path / "parts") == 0
    whole, parts = (load_file(tmp_path / name / STATE) for name in ("whole", "parts"))
    for name, array in whole.items():
        np.testing.assert_array_equal(array, parts[name], err_msg=name)


def test_real_data_is_described_by_its_names(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    for name in ("train/a.png", "train/b.png", "val/c.png"):
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)).save(path)
    assert _train("--data", tmp_path / "data", "--out", tmp_path / "run", *QUICK, "--steps", 2) == 0
    assert "2 files" in checkpoints.read(tmp_path / "run" / LAST).provenance["data"]


def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path):
    out = tmp_path / "run"
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", "import sys; from mlx_vader.cli import main; main()"),
            *("train", "--dummy", "--out", str(out), *SMALL, "--artifacts", "corner_logo,blur"),
            *("--steps", "100000", "--validate-every", "2"),
        ],
        cwd=ROOT,
        env={**os.environ, "MLX_DISABLE_COMPILE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # It is under way, workers and all, when the first state is there.
    while not (out / STATE).exists():
        assert process.poll() is None, process.stderr.read()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert f"--resume {out}" in said.replace("\n", "")
    assert (out / BEST).exists()
    before = checkpoints.read(out / LAST).step
    assert before < 100000
    assert _train("--resume", out, "--stop-after", 1, "--workers", 0) == 0
    last = checkpoints.read(out / LAST)
    assert last.step == before + 1
    assert "--steps 100000" in last.provenance["command"], "not the command that went on"


def test_a_second_run_does_not_write_over_the_first(tmp_path):
    _train_dummy(tmp_path / "run", "--steps", 1)
    before = (tmp_path / "run" / LAST).read_bytes()
    with pytest.raises(UsageError, match="holds a run already"):
        _train_dummy(tmp_path / "run", "--steps", 1)
    assert (tmp_path / "run" / LAST).read_bytes() == before


TUNED = ["--dummy", "--init", "default"]
WRONG = {
    "neither data nor dummy": ([], "--data DIR or --dummy"),
    "both": (["--data", ".", "--dummy"], "--data DIR or --dummy"),
    "an unknown network": (["--dummy", "--net", "unet9"], "unet9"),
    "an unknown preset": (["--dummy", "--preset", "giant"], "giant"),
    "an unknown artifact": (["--dummy", "--artifacts", "rust"], "rust"),
    "an unknown stage": (["--dummy", "--stage", "4"], "stage '4'"),
    "an unknown device": (["--dummy", "--device", "tpu"], "tpu"),
    "a learning rate of zero": (["--dummy", "--lr", "0"], "learning rate"),
    "crops that do not fit the network": (["--dummy", "--size", "18"], "18 pixels"),
    "a mask stage for a network without": (["--dummy", "--net", "nafunet-lite", "--stage", "1"], "mask head"),
    "an option that the network has not": (["--dummy", "--guidance", "concat"], "guidance"),
    "no steps": (["--dummy", "--steps", "0"], "steps"),
    "another network than that of its weights": (
        ["--dummy", "--init", "default", "--net", "nafunet"],
        "holds realtime",
    ),
    "another size than that of its weights": (
        ["--dummy", "--init", "default", "--preset", "tiny"],
        "channels",
    ),
    "an option of another network with weights": (
        ["--dummy", "--init", "default", "--guidance", "concat"],
        "guidance",
    ),
    "a change to the network of its weights": (["--dummy", "--init", "quality", "--no-temporal"], "temporal"),
}


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=WRONG)
def test_wrong_usage_is_named_and_leaves_nothing(arguments, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        _train("--out", tmp_path / "run", *arguments)
    assert not (tmp_path / "run").exists()


def test_missing_data_is_named(tmp_path):
    with pytest.raises(VaderError, match="nowhere") as caught:
        _train("--data", tmp_path / "nowhere", "--out", tmp_path / "run", *SMALL)
    assert caught.value.hint
    assert not (tmp_path / "run").exists()


def test_a_resume_from_nowhere_is_named(tmp_path):
    with pytest.raises(VaderError, match="no training state"):
        _train("--resume", tmp_path / "nowhere")


def test_a_resume_cannot_change_the_run(tmp_path):
    with pytest.raises(UsageError, match="--size"):
        _train("--resume", tmp_path, "--size", 64)


def test_lpips_that_is_asked_for_must_be_there(tmp_path, monkeypatch):
    monkeypatch.setenv("VADER_CACHE", str(tmp_path / "cache"))
    with pytest.raises(VaderError) as caught:
        _train_dummy(tmp_path / "run", "--steps", 1, "--lpips", "alex")
    assert "vader-mlx import" in caught.value.hint


def test_without_lpips_training_goes_on_with_a_note(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("VADER_CACHE", str(tmp_path / "cache"))
    assert _train_dummy(tmp_path / "run", "--steps", 1, "--losses", "perceptual=0.1") == 0
    # The terminal breaks lines anywhere between words.
    assert " ".join(capsys.readouterr().err.split()).count("vader-mlx import") == 1


def test_without_a_name_the_network_and_the_size_that_ship_are_trained():
    assert run.make_network(TrainConfig()).spec == checkpoints.read("default").spec


def test_weights_bring_their_network_along():
    assert type(run.make_network(TrainConfig(initial="quality"))).__name__ == "ExplicitCompositeNet"


def test_help_names_the_networks_and_the_guidance_that_there_are():
    assert set(NETS) == set(registry.NETWORKS)
    assert train.GUIDANCE == nafunet.GUIDANCE


def test_a_run_says_what_it_will_do_and_whether_that_was_worth_it(tmp_path, capsys):
    _train_dummy(tmp_path / "run", "--steps", 2, "--net", "nafunet")
    said = " ".join(capsys.readouterr().err.split())
    for fact in (
        "nafunet (tiny)",
        "parameters",
        "64 drawn scenes",
        "2 steps of 2 clips",
        "2: all losses",
        "CPU",
    ):
        assert fact in said
    assert said.index("parameters") < said.index("finished: 2 steps")
    assert "charbonnier 1" in said


@pytest.mark.parametrize(("after", "worth"), [(29.0, False), (31.0, True)])
def test_weights_that_do_harm_are_not_called_best_without_a_word(tmp_path, capsys, after, worth):
    scores = Scores(30.0, after, 20.0, 20.0, 0.9, 0.9)
    shown = train_screen.Screen(Interrupt(), None)
    shown.on_start(0, 1)
    shown.on_step(Report(1, 1, "2", {"loss": 1.0}, 0.1, 1.0, True, 1.0, 0.0))
    shown.on_validation(1, scores, best=True)
    shown.close()
    shown.conclude(TrainConfig(out=str(tmp_path)), finished=True)
    said = capsys.readouterr().err
    assert ("worse than the input" in said) == (not worth)
    assert ("worse than doing nothing" in said) == (not worth)
    assert ("vader-mlx clean" in said) == worth


def test_a_run_that_is_done_says_how_to_go_further(tmp_path, capsys):
    _train_dummy(tmp_path / "run", "--steps", 2)
    capsys.readouterr()
    assert _train("--resume", tmp_path / "run", "--json", "-") == 0
    printed = capsys.readouterr()
    assert "already done: 2 steps of 2" in printed.err
    assert f"--resume {tmp_path / 'run'} --steps 4" in printed.err
    assert json.loads(printed.out)["step"] == 2


@pytest.mark.parametrize(("steps", "every"), [(3, 1), (500, 5), (100_000, 20)])
def test_short_runs_have_curves_too(steps, every):
    assert TrainConfig().points(steps) == every
