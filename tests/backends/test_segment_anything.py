"""SAM 2 and GroundingDINO of transformers: tiny ones with random weights, saved and loaded as published ones are."""

import numpy as np
import pytest

from mlx_vader.backends import segment_anything
from mlx_vader.backends.segment_anything import SegmentAnything
from mlx_vader.errors import VaderError
from mlx_vader.jobs.mask import mask
from mlx_vader.video import probe, write_video

transformers = pytest.importorskip("transformers")
torch = pytest.importorskip("torch")

SIZE = 60, 90
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", "the", "logo"]


@pytest.fixture(scope="module")
def sam(tmp_path_factory):
    """Frames of 128x128."""
    torch.manual_seed(0)
    wide, image = 128, 128
    config = transformers.Sam2VideoConfig(
        vision_config=transformers.Sam2VisionConfig(
            backbone_config=transformers.Sam2HieraDetConfig(
                hidden_size=12,
                image_size=[image, image],
                embed_dim_per_stage=[12, 24, 48, 96],
                blocks_per_stage=[1, 2, 7, 2],
            ),
            backbone_channel_list=[96, 48, 24, 12],
            backbone_feature_sizes=[[32, 32], [16, 16], [8, 8]],
            fpn_hidden_size=wide,
        ),
        prompt_encoder_config=transformers.Sam2VideoPromptEncoderConfig(
            hidden_size=wide, image_size=image, mask_input_channels=8
        ),
        mask_decoder_config=transformers.Sam2VideoMaskDecoderConfig(
            hidden_size=wide, mlp_dim=64, num_attention_heads=4, iou_head_hidden_dim=32
        ),
        image_size=image,
        memory_attention_hidden_size=wide,
        memory_attention_num_layers=1,
        memory_attention_num_attention_heads=1,
        memory_attention_feed_forward_hidden_size=32,
        memory_attention_rope_feat_sizes=[8, 8],
        memory_encoder_hidden_size=wide,
        mask_downsampler_embed_dim=wide,
        memory_fuser_embed_dim=wide,
        memory_fuser_intermediate_dim=32,
    )
    path = tmp_path_factory.mktemp("sam")
    transformers.Sam2VideoModel(config).save_pretrained(path)
    return str(path)


@pytest.fixture(scope="module")
def dino(tmp_path_factory):
    """Knows two words."""
    from transformers.models.grounding_dino.image_processing_pil_grounding_dino import (
        GroundingDinoImageProcessorPil,
    )

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("dino")
    tokenizer = transformers.BertTokenizerFast(vocab={word: number for number, word in enumerate(WORDS)})
    pictures = GroundingDinoImageProcessorPil(size={"shortest_edge": 64, "longest_edge": 96})
    transformers.GroundingDinoProcessor(pictures, tokenizer).save_pretrained(path)
    config = transformers.GroundingDinoConfig(
        backbone_config=transformers.SwinConfig(
            image_size=64,
            embed_dim=8,
            depths=[1, 1, 1, 1],
            num_heads=[1, 1, 2, 2],
            window_size=4,
            out_features=["stage2", "stage3", "stage4"],
        ),
        text_config={
            "model_type": "bert",
            "vocab_size": len(WORDS),
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 16,
            "max_position_embeddings": 64,
        },
        d_model=32,
        encoder_layers=1,
        decoder_layers=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        num_queries=8,
        max_text_len=64,
    )
    transformers.GroundingDinoForObjectDetection(config).save_pretrained(path)
    return str(path)


@pytest.fixture
def frames():
    return [
        np.random.default_rng(number).integers(0, 256, (*SIZE, 3)).astype(np.uint8) for number in range(24)
    ]


def test_objects_have_a_mask_in_each_frame(sam, frames):
    made = list(SegmentAnything(sam).track(iter(frames[:4]), [[(30, 30, 1)], [(10, 10, 2), (40, 40, 3)]]))
    assert [one.shape for one in made] == [(*SIZE, 1)] * 4
    assert {one.dtype for one in made} == {np.dtype(np.float32)}
    assert set(np.unique(made)) <= {0, 1}
    assert made[0].any()


def test_what_is_pointed_at_counts(sam, frames):
    network = SegmentAnything(sam)
    one, other = (
        next(network.track(iter(frames), [[(x, 30, 1), (45, 30, there)]])) for x, there in ((5, 1), (85, 0))
    )
    assert not np.array_equal(one, other)


def test_memory_does_not_grow_with_the_video(sam, frames, monkeypatch):
    """What is forgotten counts no more: the same masks as with all of it."""
    network = SegmentAnything(sam)
    sessions = []
    forget = segment_anything._forget

    def watched(session, before):
        forget(session, before)
        sessions.append(len(session.processed_frames))

    monkeypatch.setattr(segment_anything, "_forget", watched)
    made = list(network.track(iter(frames), [[(30, 30, 1)]]))
    assert max(sessions) < len(frames) - 5
    monkeypatch.setattr(segment_anything, "_forget", lambda session, before: None)
    whole = list(network.track(iter(frames), [[(30, 30, 1)]]))
    assert all(np.array_equal(*pair) for pair in zip(made, whole, strict=True))


def test_words_give_boxes_within_the_picture(sam, dino, frames, monkeypatch):
    monkeypatch.setattr(segment_anything, "_BOX_THRESHOLD", 0.0)
    monkeypatch.setattr(segment_anything, "_TEXT_THRESHOLD", 0.0)
    found = SegmentAnything(sam, dino).boxes(frames[0], "The logo")
    assert found
    for (left, top, right, bottom), sure in found:
        assert left < right
        assert top < bottom
        assert 0 <= sure <= 1


def test_from_a_click_in_a_file_to_a_mask(tmp_path, sam, dino, frames, monkeypatch):
    monkeypatch.setattr(segment_anything, "_BOX_THRESHOLD", 0.0)
    monkeypatch.setattr(segment_anything, "_TEXT_THRESHOLD", 0.0)
    with write_video(tmp_path / "in.mp4", frame_rate=25) as out:
        for frame in frames[:6]:
            out.write(frame / np.float32(255))
    told = {"click": "30,30@3", "prompt": "the logo@2", "segmenter": sam, "detector": dino}
    (file,) = mask(tmp_path / "in.mp4", tmp_path / "mask.mkv", **told).files
    assert probe(tmp_path / "mask.mkv").frames == 6
    assert file.made.finding.status == "found"
    assert {mark.kind for mark in file.made.finding.marks} >= {"prompt"}


def test_weights_that_are_not_there_are_named_with_what_gets_them(tmp_path):
    with pytest.raises(VaderError) as error:
        SegmentAnything("nobody/nothing")
    assert "nobody/nothing" in error.value.message
    assert "hf download nobody/nothing" in error.value.hint
    with pytest.raises(VaderError, match="does not hold"):
        SegmentAnything(str(tmp_path))


def test_without_transformers_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(VaderError) as error:
        SegmentAnything("nobody/nothing")
    assert "vader-mlx[prompt]" in error.value.hint
