"""The procedural world: deterministic, varied, and told apart by name."""

import numpy as np
import pytest

from data.world import CLASSES, dogs, draw, samples


def test_there_are_at_least_thirty_classes_with_distinct_names():
    assert len(CLASSES) >= 30
    assert len(set(CLASSES)) == len(CLASSES)
    assert {"tabby_cat", "siamese_cat", "zebra", "dalmatian", "dog", "striped_cloth", "checker_board"} <= set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_a_seed_gives_the_same_picture_and_another_seed_another(name):
    first, again, other = draw(name, 5), draw(name, 5), draw(name, 6)
    assert (first.mode, first.size) == ("RGB", (64, 64))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_drawing_leaves_the_global_random_state_alone():
    state = np.random.get_state()[1].tolist()
    draw("zebra", 1)
    assert np.random.get_state()[1].tolist() == state


def test_pictures_come_in_the_size_asked_for():
    assert draw("tree", 0, 32).size == (32, 32)
    assert draw("siamese_cat", 0, 128).size == (128, 128)


def test_an_unknown_name_is_refused_with_those_that_exist():
    with pytest.raises(ValueError, match=r"'unicorn' is no class of the drawn world; it has tabby_cat, siamese_cat"):
        draw("unicorn", 0)


def test_samples_are_batches_with_the_labels_of_a_network():
    images, labels = samples(["zebra", "dog"], 3)
    assert images.shape == (6, 3, 64, 64)
    assert images.min() >= 0 and images.max() <= 1
    assert [CLASSES[label] for label in labels] == ["zebra"] * 3 + ["dog"] * 3


def test_samples_differ_by_seed_and_repeat_by_seed():
    first, again, other = (samples(["mug"], 2, seed=seed)[0] for seed in (1, 1, 2))
    assert first.equal(again)
    assert not first.equal(other)


def test_no_picture_of_samples_is_one_that_the_pretraining_drew():
    trained_on = {draw("mug", CLASSES.index("mug") * 10_000 + k).tobytes() for k in range(20)}
    images, _ = samples(["mug"], 20)
    pictures = {(image.permute(1, 2, 0) * 255).round().byte().numpy().tobytes() for image in images}
    assert len(pictures) == 20
    assert not pictures & trained_on


@pytest.mark.parametrize(("names", "count"), [(["unicorn"], 1), (["dog"], 0)])
def test_samples_refuse_unknown_names_and_empty_batches(names, count):
    with pytest.raises(ValueError):
        samples(names, count)


def test_dogs_are_of_five_kinds():
    images, labels = dogs(2)
    assert len(images) == 10
    assert len(set(labels.tolist())) == 5
