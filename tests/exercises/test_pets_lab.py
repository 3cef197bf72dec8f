"""Checks of pets_lab. The first line of each docstring is what the student reads."""

import contextlib
import io
import itertools
import re
from functools import partial

import pytest
import torch
from inspections import assert_each_close, assert_seeds_nothing, assert_tidy, assert_untouched
from PIL import Image

from autograder.compare import (
    assert_between,
    assert_close,
    assert_equal,
    assert_holds,
    assert_kind,
    assert_mentions,
    assert_module,
    assert_raises,
    show,
)
from data import eye_backbone, load_backbone
from data.breeds import BREEDS as ANIMALS
from data.world.painter import Rng
from data.world.scene import photograph

# Four breeds in the order of their class ids, which is alphabetical, whatever the case.
FEW = ("Abyssinian", "beagle", "Egyptian_Mau", "wheaten_terrier")
FEW_NAMES = ["Abyssinian", "Beagle", "Egyptian Mau", "Wheaten Terrier"]
BREEDS, PICTURES = 10, 8
COLOURS = torch.tensor([[0.8, 0.2, 0.2], [0.2, 0.8, 0.2], [0.2, 0.2, 0.8], [0.8, 0.8, 0.8]])
COLOUR_NAMES = ["one", "another", "a third", "never seen"]
#: An error that says how to get the data has one of these; the last are of those who write in the course's other languages.
ADVICE = (
    *("download", "http", "www", "get", "fetch", "obtain", "request", "clone", "install", "run", "pets_root"),
    *("execut", "initiali", "search", "browse", "homepage", "website"),
    *("unpack", "unzip", "untar", "extract", "copy", "move", "put", "place", "store", "generate", "create", "prepare"),
    *("readme", "instruction", "kaggle", "moodle"),
    *("siųs", "turun", "preuzm", "преузм", "ဒေါင်း"),
)
#: Or it has a verb that is so short and common that it counts as a whole word only,
VERBS = re.compile(
    r"\b(save|set|point|see|use|call|ask|let|pass|give|provide|supply|specify|define|export|add|link|mount|upload|bring"
    r"|take|find|visit|consult|follow|refer|contact|draw|make|build|choose|change|correct|start|load|go(es)?|belongs?)\b"
)
#: if no such words stand before it: "cannot find" is no advice, and neither is "data set".
DENIED = re.compile(
    r"(\b(no|not|cannot|never|i|we|this|(nothing|unable|fails?|failed)\sto)|n't)\s+(be\s+)?\w+"
    r"|\b(the|an?|data|test|training|whole)\s+(set|call|use|link|point|change)\b"
)
#: Or it names a source: a host, a folder elsewhere, a variable of the environment, the net.
SOURCE = re.compile(
    r"\b[\w-]+\.(com|org|net|edu|info|(?!gz|xz|md|py|sh|so)[a-z]{2})\b|(?<![\w.])(~|[A-Z]:)?[/\\]\w|\b[A-Z]+_[A-Z_]+\b|\$[A-Z]"
    r"|\b([Ff]rom|[Aa]t|[Oo]n) (the |our |your )?(net|web|internet|lecturer|teacher|course|site|page|server|[A-Z]\w+)"
)


def number(rng, low, high):
    """A whole number of `low` to `high - 1` by lot."""
    return int(torch.randint(low, high, (), generator=rng))


def order(rng, count):
    return torch.randperm(count, generator=rng).tolist()


def picture(rng, width, height):
    """A smooth picture of random colours."""
    cells = torch.randint(0, 256, (5, 5, 3), generator=rng, dtype=torch.uint8)
    return Image.fromarray(cells.numpy()).resize((width, height), Image.Resampling.BICUBIC)


def noise(rng, width, height):
    """A picture that no format can make small."""
    return Image.fromarray(torch.randint(0, 256, (height, width, 3), generator=rng, dtype=torch.uint8).numpy())


def encoded(image, kind="JPEG"):
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture
def messy(folder, rng):
    """A folder of pictures, of files that are none, and of some that are cut short; and the names of the readable ones."""
    folder = folder / "collected"
    (folder / "inner.jpg").mkdir(parents=True)
    good = picture(rng, 40, 30)
    readable = {f"pic{k}.jpg": encoded(good) for k in order(rng, 30)[:10]}
    readable |= {"note.txt": encoded(good, "PNG"), "nothing": encoded(good), "grey.png": encoded(good.convert("L"))}
    readable |= {"sheer.png": encoded(good.convert("RGBA"), "PNG"), "inks.jpg": encoded(good.convert("CMYK"))}
    readable |= {"zebra.JPG": encoded(good), "still.gif": encoded(good, "GIF"), "bitmap.bmp": encoded(good, "BMP")}
    readable |= {"scan.tif": encoded(good, "TIFF"), "photo.webp": encoded(good, "WEBP")}
    readable |= {"dot.png": encoded(good.resize((1, 1)), "PNG")}
    # Named like others but for the suffix.
    readable |= {"grey.jpg": encoded(good.convert("L")), "note.jpg": encoded(good)}
    cut_jpeg, cut_png = encoded(picture(rng, 90, 80)), encoded(picture(rng, 90, 80), "PNG")
    broken = {
        "half.jpg": cut_jpeg[: len(cut_jpeg) // 2],
        "half.png": cut_png[: len(cut_png) // 2],
        "empty.jpg": b"",
        "page.jpg": b"<html><body>404: the picture has moved</body></html>\n",
        "readme.txt": b"nothing to see here",
        # Large enough for two blocks of pixels; some bytes of the second are lost.
        "torn.png": b"".join(encoded(noise(rng, 160, 150), "PNG").rpartition(b"IDAT")[::2]),
    }
    (folder / "inner.jpg" / "deep.jpg").write_bytes(encoded(good))
    files = list({**readable, **broken}.items())
    for k in order(rng, len(files)):
        name, content = files[k]
        (folder / name).write_bytes(content)
    return folder, [folder / name for name in sorted(readable)]


@pytest.fixture
def pets(folder, rng):
    """The root of a few pets in the collection's layout, in no order; `test` begins with a picture of three stripes."""
    base = folder / "oxford-iiit-pet"
    (base / "images").mkdir(parents=True)
    (base / "annotations").mkdir()
    for split, first in (("trainval", 1), ("test", 11)):
        lines = []
        for label, breed in enumerate(FEW):
            for k in range(first, first + 2 + (label + first) % 3):
                image = picture(rng, number(rng, 60, 110), number(rng, 60, 110))
                if (label, k) in ((1, 1), (2, 11)):
                    image = image.convert("L")
                kind = "PNG" if (label, k) == (0, 12) else "JPEG"
                (base / "images" / f"{breed}_{k}.jpg").write_bytes(encoded(image, kind))
                lines.append(f"{breed}_{k} {label + 1} {1 if breed[0].isupper() else 2} 1\n")
        mixed = [lines[k] for k in order(rng, len(lines))]
        (base / "annotations" / f"{split}.txt").write_text("".join(mixed))
    return base.parent


def breeds_listed(root, split):
    """The breed of each line of a split, in its order."""
    text = (root / "oxford-iiit-pet" / "annotations" / f"{split}.txt").read_text()
    return [line.split()[0].rpartition("_")[0] for line in text.splitlines()]


def assert_pets(result, count, size):
    """The result is images, labels and names, as far as their kinds go."""
    assert_triple(result, count, size)
    images, labels, names = result
    assert_between(images, 0, 1)
    assert_between(labels, 0, len(names) - 1)


def assert_triple(result, count, size):
    whole = isinstance(result, tuple) and len(result) == 3
    assert_holds(whole, f"returned {show(result)}, expected a tuple of images, labels and names", result)
    images, labels, names = result
    assert_kind(images, (count, 3, size, size))
    assert_kind(labels, (count,), torch.int64)
    assert_close(names, FEW_NAMES)


# --- breed_of


def made_up(rng, words):
    """The name of a breed of so many words that is on no list."""
    syllables = ("sha", "Mo", "tri", "Ku", "bel", "dor")
    return "_".join("".join(syllables[number(rng, 0, 6)] for _ in range(2)) for _ in range(words))


@pytest.mark.points("breed_of", 1)
def test_breed_of_a_plain_name(submission, rng):
    """The number and the suffix go, and every other underscore stays."""
    assert_equal(submission.breed_of("images/yorkshire_terrier_12.jpg"), "yorkshire_terrier")
    assert_equal(submission.breed_of("american_pit_bull_terrier_191.jpg"), "american_pit_bull_terrier")
    assert_equal(submission.breed_of("Bombay_7.jpg"), "Bombay")
    # Breeds of no list, and a number in one's own name.
    assert_equal(submission.breed_of("images/silky_dodo_1207.jpg"), "silky_dodo")
    assert_equal(submission.breed_of("class_2_poodle_3_045.jpg"), "class_2_poodle_3")
    breed = f"{made_up(rng, 2)}_belMo"
    assert_equal(submission.breed_of(f"images/{breed}_{number(rng, 1, 300)}.jpg"), breed)


@pytest.mark.points("breed_of", 1)
@pytest.mark.depends_on("test_breed_of_a_plain_name")
def test_breed_of_in_any_folder_with_any_suffix(submission):
    """Neither the folder nor the suffix matters."""
    assert_equal(submission.breed_of("/data/my_pets_2/v1.0/Maine_Coon_203.png"), "Maine_Coon")
    assert_equal(submission.breed_of("annotations/trimaps/pug_3.jpeg"), "pug")
    assert_equal(submission.breed_of("a_1/Russian_Blue_45.JPG"), "Russian_Blue")


@pytest.mark.points("breed_of", 1)
@pytest.mark.depends_on("test_breed_of_a_plain_name")
def test_breed_of_refuses_a_name_without_a_number(submission):
    """A name that does not end in an underscore and a number is a ValueError that names filename."""
    for name in (
        "american_pit_bull_terrier.jpg",
        "images_12/pug.jpg",
        "samoyed12.jpg",
        "pug_x.jpg",
        "pug_3b.jpg",
        "pug_nan.jpg",
        "pug_.jpg",
        "images/12.jpg",
    ):
        assert_mentions(assert_raises(ValueError, submission.breed_of, name), "filename")


@pytest.mark.points("breed_of", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_breed_of_a_plain_name")
def test_breed_of_other_names(submission, reference, rng):
    """Made-up breeds are read in the same way."""
    for _ in range(8):
        name = f"some_{number(rng, 0, 9)}/{made_up(rng, number(rng, 1, 5))}_{number(rng, 1, 300)}.jpg"
        assert_equal(submission.breed_of(name), reference.breed_of(name))


# --- species_of


@pytest.mark.points("species_of", 1)
def test_species_of_a_plain_name(submission, rng):
    """A breed with a capital letter is a cat, any other a dog."""
    for name, species in (
        ("Bombay_7.jpg", "cat"),
        ("pug_3.jpg", "dog"),
        ("British_Shorthair_12.jpg", "cat"),
        ("Tabby_4.jpg", "cat"),
        ("Norwegian_forest_8.jpg", "cat"),
        ("boston_Terrier_5.jpg", "dog"),
        (f"Sha{made_up(rng, 2)}_{number(rng, 1, 300)}.jpg", "cat"),
        (f"sha{made_up(rng, 2)}_{number(rng, 1, 300)}.jpg", "dog"),
    ):
        assert_equal(submission.species_of(name), species)


@pytest.mark.points("species_of", 1)
@pytest.mark.depends_on("test_species_of_a_plain_name")
def test_species_of_in_a_folder(submission):
    """The folder has no say in it."""
    assert_equal(submission.species_of("images/pug_3.jpg"), "dog")
    for name, species in (
        ("images/Siamese_4.jpg", "cat"),
        ("Pets/beagle_116.jpg", "dog"),
        ("/data/Cats/pug_1.png", "dog"),
    ):
        assert_equal(submission.species_of(name), species)


@pytest.mark.points("species_of", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_species_of_a_plain_name")
def test_species_of_every_breed(submission, reference, rng):
    """Every breed of the collection is told right."""
    for breed in (*FEW, "Maine_Coon", "Sphynx", "great_pyrenees", "miniature_pinscher", "Birman", "samoyed"):
        name = f"images/{breed}_{number(rng, 1, 300)}.jpg"
        assert_equal(submission.species_of(name), reference.species_of(name))


# --- readable_images


@pytest.mark.points("readable_images", 1)
def test_readable_images_gives_sorted_paths(submission, folder, rng):
    """The result is a list of paths in the folder, sorted by name."""
    names = [f"{letter}{k}.jpg" for letter in "abc" for k in range(5)]
    for k in order(rng, len(names)):
        (folder / names[k]).write_bytes(encoded(picture(rng, 20, 20)))
    assert_equal(submission.readable_images(folder), [folder / name for name in sorted(names)])


@pytest.mark.points("readable_images", 2)
@pytest.mark.depends_on("test_readable_images_gives_sorted_paths")
def test_readable_images_are_decoded_to_the_end(submission, messy):
    """Files cut short, empty ones and those that are no picture are left out; a suffix proves nothing."""
    folder, readable = messy
    assert_equal(submission.readable_images(folder), readable)


@pytest.mark.points("readable_images", 0.5)
@pytest.mark.depends_on("test_readable_images_gives_sorted_paths")
def test_readable_images_deletes_nothing(submission, messy):
    """Every file is still there afterwards, as it was, and a second look finds the same."""
    folder, _ = messy
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found = submission.readable_images(folder)
    after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    lost = sorted(path.name for path in before.keys() - after.keys())
    assert_holds(not lost, f"deleted {', '.join(lost[:3])}, expected every file to be left alone")
    assert_holds(before == after, "changed what is in the folder, expected every file to be left alone")
    assert_equal(submission.readable_images(folder), found)
    # What has come since is found too.
    (folder / "a.jpg").write_bytes(encoded(Image.new("RGB", (40, 30))))
    more = submission.readable_images(folder)
    old = "returned the same as before, though there is one picture more in the folder"
    assert_holds(more != found, old, more, mistake="remembers_the_folder")
    assert_equal(more, sorted([*found, folder / "a.jpg"]))


@pytest.mark.points("readable_images", 0.5)
@pytest.mark.depends_on("test_readable_images_gives_sorted_paths")
def test_readable_images_of_an_empty_folder(submission, folder):
    """A folder without any picture gives an empty list."""
    (folder / "notes.txt").write_text("no picture")
    assert_equal(submission.readable_images(folder), [])


@pytest.mark.points("readable_images", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_readable_images_gives_sorted_paths")
def test_readable_images_cut_anywhere(submission, reference, folder, rng):
    """Wherever a file was cut short, it is left out."""
    for k in range(9):
        content = encoded(picture(rng, 60, 70), ("JPEG", "PNG", "BMP")[k % 3])
        kept = len(content) if k < 3 else len(content) * number(rng, 30, 80) // 100
        (folder / f"{k}.jpg").write_bytes(content[:kept])
    assert_equal(submission.readable_images(folder), reference.readable_images(folder))


# --- load_pets


@pytest.mark.points("load_pets", 1)
def test_load_pets_labels_are_indices_in_the_order_of_the_split(submission, pets):
    """Each label is the index of the picture's breed in the names, in the split's own order."""
    for split in ("trainval", "test"):
        listed = breeds_listed(pets, split)
        result = submission.load_pets(pets, split, 16)
        assert_triple(result, len(listed), 16)
        expected = torch.tensor([FEW.index(breed) for breed in listed])
        if not torch.equal(result[1], expected):
            assert_same_order(submission, pets, split, result[1])
        assert_equal(result[1], expected)


def assert_same_order(submission, root, split, labels):
    """A second call gives the pictures in the order of the first, which had these labels."""
    result = submission.load_pets(root, split, 16)
    assert_triple(result, len(labels), 16)
    mixed = not torch.equal(result[1], labels) and torch.equal(result[1].sort().values, labels.sort().values)
    assert_holds(not mixed, "returned another order at each call", result, mistake="shuffles_the_pictures")


@pytest.mark.points("load_pets", 1)
@pytest.mark.depends_on("test_load_pets_labels_are_indices_in_the_order_of_the_split")
def test_load_pets_gives_images_labels_and_names(submission, pets):
    """The result is images in [0, 1], int64 labels, and class names as torchvision has them."""
    assert_pets(submission.load_pets(pets, "trainval", 32), len(breeds_listed(pets, "trainval")), 32)


@pytest.mark.points("load_pets", 1)
@pytest.mark.depends_on("test_load_pets_labels_are_indices_in_the_order_of_the_split")
def test_load_pets_cuts_out_the_middle(submission, pets):
    """The middle of a wide picture is cut out, not the whole squeezed."""
    wide = Image.new("RGB", (147, 49), (255, 0, 0))  # 49 * (64 / 49) is a little less than 64
    wide.paste((0, 255, 0), (40, 0, 107, 49))
    first = (pets / "oxford-iiit-pet" / "annotations" / "test.txt").read_text().split()[0]
    (pets / "oxford-iiit-pet" / "images" / f"{first}.jpg").write_bytes(encoded(wide, "PNG"))
    count = len(breeds_listed(pets, "test"))
    result = submission.load_pets(pets, "test")
    assert_triple(result, count, 64)
    green = torch.tensor([0.0, 1.0, 0.0])[:, None, None].expand(3, 64, 64)
    assert_holds(
        bool((result[0][0] - green).abs().max() <= 2 / 255),
        "returned an image that shows more than the middle of its picture, or in other colours than 0 to 1",
        result,
    )
    assert_triple(submission.load_pets(pets, "test", 20), count, 20)


@pytest.mark.points("load_pets", 0.5)
@pytest.mark.depends_on("test_load_pets_labels_are_indices_in_the_order_of_the_split")
def test_load_pets_images_are_in_the_order_of_the_split(submission, pets, rng):
    """Each image is that of its line, in its own colours, resized with bilinear interpolation before it is cut."""
    for split in ("trainval", "test"):
        text = (pets / "oxford-iiit-pet" / "annotations" / f"{split}.txt").read_text()
        names = [line.split()[0] for line in text.splitlines()]
        colours = torch.randint(64, 256, (len(names), 3), generator=rng)
        for name, colour in zip(names, colours.tolist(), strict=True):
            # Two lines, the first just outside of the middle.
            lined = Image.new("RGB", (32, 16))
            for place in (7, 18):
                lined.paste(tuple(colour), (place, 0, place + 1, 16))
            (pets / "oxford-iiit-pet" / "images" / f"{name}.jpg").write_bytes(encoded(lined, "PNG"))
        result = submission.load_pets(pets, split, 8)
        assert_triple(result, len(names), 8)
        row = torch.tensor([0.125, 0.0, 0.0, 0.0, 0.125, 0.375, 0.0, 0.0])
        expected = (colours / 255)[:, :, None, None] * row.expand(8, 8)
        assert_close(result[0], expected, rtol=0, atol=2 / 255)


@pytest.mark.points("load_pets", 0.5)
@pytest.mark.depends_on("test_load_pets_labels_are_indices_in_the_order_of_the_split")
def test_load_pets_refuses_another_split(submission, pets):
    """A split that is not there is a ValueError that names split."""
    for split in ("train", "valid", "Test", ""):
        assert_mentions(assert_raises(ValueError, submission.load_pets, pets, split), "split")


@pytest.mark.points("load_pets", 0.5)
@pytest.mark.depends_on("test_load_pets_labels_are_indices_in_the_order_of_the_split")
def test_load_pets_says_how_to_get_the_data(submission, folder):
    """A folder without the data is a FileNotFoundError that says how to get it."""
    root = folder / "none"
    text = assert_raises(FileNotFoundError, submission.load_pets, root, "test")
    assert_holds(
        gives_advice(text, root),
        f"raised an error that says {text!r}, expected it to say how to get the data",
        mistake="says_only_what_is_missing",
    )
    assert_raises(FileNotFoundError, submission.load_pets, folder, "trainval")  # which is there, with nothing in it


def gives_advice(text, root):
    """The text says how to get the data or from where, and not just where it was looked for."""
    text = re.sub(rf"\S*\b{root.name}\b\S*", "", text)
    small = text.lower()
    return bool(any(word in small for word in ADVICE) or VERBS.search(DENIED.sub("", small)) or SOURCE.search(text))


@pytest.mark.points("load_pets", 1.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_load_pets_labels_are_indices_in_the_order_of_the_split")
def test_load_pets_on_other_pictures(submission, reference, pets, rng):
    """Images are right for both splits and any size, larger than the picture too."""
    first = (pets / "oxford-iiit-pet" / "annotations" / "test.txt").read_text().split()[0]
    # 88 * (120 / 88) is a little less than 120.
    (pets / "oxford-iiit-pet" / "images" / f"{first}.jpg").write_bytes(encoded(picture(rng, 88, 110)))
    for split, size in (("trainval", number(rng, 20, 56)), ("test", 120)):
        expected = reference.load_pets(pets, split, size)
        result = submission.load_pets(pets, split, size)
        assert_triple(result, len(expected[1]), size)
        assert_equal(result[1], expected[1])
        # An image may be resized as a picture or as a tensor: the two round in other places.
        largest = float((result[0] - expected[0]).abs().max())
        assert_holds(
            largest <= 2 / 255,
            f"returned an image with a pixel {show(largest)} off, expected at most 2/255",
            result,
        )


# --- stratified_split


def assert_split(result, labels):
    """The result is two tensors that hold the index of each label once."""
    whole = isinstance(result, tuple) and len(result) == 2
    assert_holds(whole, f"returned {show(result)}, expected a tuple (train, valid)", result)
    for number, part in enumerate(result):
        kind = isinstance(part, torch.Tensor) and part.dtype == torch.int64 and part.dim() == 1
        assert_holds(kind, f"returned {show(part)} as item {number}, expected int64 indices of shape (n,)", result)
    together = torch.cat(result).sort().values
    complete = torch.equal(together, torch.arange(len(labels)))
    sizes = labels.unique(return_counts=True)[1].tolist()
    confused = {
        "returns_places_within_classes": torch.cat([torch.arange(size) for size in sizes]),
        "returns_labels": labels,
    }
    made = [name for name, wrong in confused.items() if torch.equal(together, wrong.sort().values)]
    problem = f"returned indices that are not each of 0 to {len(labels) - 1} once"
    assert_holds(complete, problem, result, mistake=made[0] if made else "")


def assert_stratified(result, labels, fraction):
    assert_split(result, labels)
    classes, sizes = labels.unique(return_counts=True)
    counts = (labels[result[1]][:, None] == classes).sum(dim=0)
    # As many of each class, as far as it has them.
    alike = torch.equal(counts, (sizes - 1).clamp(max=int(counts.max())))
    rounded = any(torch.equal(counts, whole(fraction * sizes.double()).long()) for whole in (torch.floor, torch.round))
    both_sides = bool(((counts > 0) & (counts < sizes))[sizes > 1].all())
    for label, size, kept in zip(classes.tolist(), sizes.tolist(), counts.tolist(), strict=True):
        problem = f"put {kept} of the {size} pictures of class {label} into valid, expected about {fraction:g} of them"
        near = abs(kept - fraction * size) <= 1 + 1e-6
        assert_holds(near, problem, result, mistake="takes_as_many_of_each_class" if alike else "")
        if size > 1:
            each_side = f"{problem} and one at least on each side"
            assert_holds(0 < kept < size, each_side, result, mistake="rounds_to_nothing" if rounded else "")
        else:
            only = f"put the only picture of class {label} into valid, expected it in train"
            assert_holds(kept == 0, only, result, mistake="wastes_the_only_picture" if both_sides else "")


@pytest.fixture
def labels(rng):
    """Labels of classes of different sizes, in no order."""
    sizes = torch.tensor([40, 25, 12, 7])
    together = torch.arange(4).repeat_interleave(sizes)
    return together[torch.randperm(len(together), generator=rng)]


@pytest.mark.points("stratified_split", 1)
def test_split_is_complete_and_disjoint(submission, labels):
    """Each index is in exactly one of the two tensors, about the fraction of them in the second."""
    result = submission.stratified_split(labels, 0.25)
    assert_split(result, labels)
    share = len(result[1]) / len(labels)
    assert_holds(
        0.18 < share < 0.32,
        f"put {share:.2f} of the pictures into valid, expected 0.25",
        result,
        mistake="swaps_train_and_valid" if 0.68 < share < 0.82 else "",
    )


@pytest.mark.points("stratified_split", 1)
@pytest.mark.depends_on("test_split_is_complete_and_disjoint")
def test_split_takes_its_part_of_each_class(submission, labels):
    """Each class gives the fraction of its pictures, give or take one."""
    for fraction in (0.2, 0.5, 0.7):
        for seed in (0, 1, 2):
            assert_stratified(submission.stratified_split(labels, fraction, seed), labels, fraction)
    # Also of as many other labels.
    backwards = labels.flip(0)
    assert_stratified(submission.stratified_split(backwards, 0.2, 0), backwards, 0.2)


@pytest.mark.points("stratified_split", 1)
@pytest.mark.depends_on("test_split_is_complete_and_disjoint")
def test_split_of_small_classes(submission):
    """A class of two is on both sides, a class of one in train."""
    for fraction in (0.1, 0.5, 0.9):
        labels = torch.tensor([5, 2, 5, 109, 0, 0, 0, 2, 41, 41, 41, 41, 41, 41])
        assert_stratified(submission.stratified_split(labels, fraction), labels, fraction)


@pytest.mark.points("stratified_split", 1)
@pytest.mark.depends_on("test_split_is_complete_and_disjoint")
def test_split_is_shuffled_by_the_seed(submission, rng):
    """The same seed gives the same split, another seed another one, and none the first or the last; the default is 0."""
    labels = torch.arange(2).repeat_interleave(60)[torch.randperm(120, generator=rng)]
    seed = number(rng, 0, 1000)
    first, again, other = (submission.stratified_split(labels, 0.4, seed=s) for s in (seed, seed, seed + 1))
    for result in (first, again, other):
        assert_split(result, labels)
    same = torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert_holds(same, "returned another split for the same seed", again)
    chosen, others = set(first[1].tolist()), set(other[1].tolist())
    members = [(labels == label).nonzero().flatten().tolist() for label in (0, 1)]
    taken = [[place for place in each if place in chosen] for each in members]
    in_order = all(few in (each[: len(few)], each[-len(few) :]) for few, each in zip(taken, members, strict=True))
    assert_holds(
        chosen != others,
        "returned the same split for another seed",
        other,
        mistake="" if in_order else "splits_alike_for_all_seeds",
    )
    for label, each in enumerate(members):
        alike = [place in chosen for place in each] == [place in others for place in each]
        assert_holds(not alike, f"chose the same pictures of class {label} for another seed", other)
        begins = [place in chosen and before not in chosen for before, place in itertools.pairwise([each[-1], *each])]
        run = f"chose pictures of class {label} that follow one another, expected them drawn by lot"
        assert_holds(sum(begins) > 1, run, first, mistake="takes_a_run_of_pictures")
    by_default, of_zero = submission.stratified_split(labels, 0.4), submission.stratified_split(labels, 0.4, seed=0)
    assert_split(by_default, labels)
    assert_equal(by_default, of_zero)


@pytest.mark.points("stratified_split", 0.5)
@pytest.mark.depends_on("test_split_is_complete_and_disjoint")
def test_split_is_tidy(submission, labels):
    """The labels are not changed, and the global random state is left alone."""
    submission.stratified_split(labels, 0.3, seed=7)
    call = submission.last
    assert_untouched(call)
    effects = call.describe_side_effects("random state")
    assert_holds(not effects, "changed the global random state, expected a generator of its own")


@pytest.mark.points("stratified_split", 0.5)
@pytest.mark.depends_on("test_split_is_complete_and_disjoint")
def test_split_refuses_other_fractions(submission, labels):
    """A fraction that leaves nothing on one side is a ValueError that names fraction."""
    for fraction in (0.0, 1.0, -0.2, 1.5):
        assert_mentions(assert_raises(ValueError, submission.stratified_split, labels, fraction), "fraction")


@pytest.mark.points("stratified_split", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_split_is_complete_and_disjoint")
def test_split_of_other_labels(submission, reference, rng):
    """Any labels are split class by class, as evenly as by the reference."""
    for _ in range(4):
        classes = number(rng, 2, 9)
        # No class is small enough for what the check of small classes asks.
        labels = torch.cat(
            [torch.arange(classes).repeat(6), torch.randint(0, classes, (number(rng, 10, 50),), generator=rng)]
        )
        labels = labels[torch.randperm(len(labels), generator=rng)]
        fraction = float(0.2 + 0.6 * torch.rand((), generator=rng))
        result = submission.stratified_split(labels, fraction, number(rng, 0, 99))
        assert_stratified(result, labels, fraction)
        expected = reference.stratified_split(labels, fraction, 0)
        apart = abs(len(result[1]) - len(expected[1]))
        assert_between(apart, 0, 2 * len(labels.unique()), what="the difference in the size of valid")


# --- top_k_accuracy

LOGITS = torch.tensor([[7.0, 6.0, 1.0, 0.0], [0.0, 4.0, 2.0, -1.0], [1.0, 2.0, 3.0, 9.0], [0.5, 0.1, 0.2, 0.4]])
TRUE = torch.tensor([0, 2, 1, 3])


@pytest.mark.points("top_k_accuracy", 1.25)
def test_top_k_by_hand(submission, rng):
    """Of four pictures, one is right at once, three by the second guess, and all by the third; no share is rounded."""
    # All calls before any is judged: the first alone does not tell the known mistakes apart. Alone, the last one has nothing
    # but its own guesses.
    asked = [(LOGITS[:3], TRUE[:3], 1), (LOGITS[3:], TRUE[3:], 1), *((LOGITS, TRUE, k) for k in (1, 2, 3, 4))]
    shares = [submission.top_k_accuracy(*each) for each in asked]
    for share, expected in zip(shares, (1 / 3, 0.0, 0.25, 0.75, 1.0, 1.0), strict=True):
        assert_close(share, expected)
    assert_close(submission.top_k_accuracy(LOGITS.flip(1), TRUE, 1), 0.5)
    # Each of them as often as no other, and the classes in another order.
    times, places = torch.tensor(order(rng, 4)) + 1, torch.tensor(order(rng, 4))
    logits, labels = LOGITS[:, places].repeat_interleave(times, 0), places.argsort()[TRUE].repeat_interleave(times)
    once, late = times[0].item() / 10, times[2].item() / 10
    for k, expected in ((1, once), (2, 1 - late), (3, 1.0)):
        assert_close(submission.top_k_accuracy(logits, labels, k), expected)


@pytest.mark.points("top_k_accuracy", 1)
@pytest.mark.depends_on("test_top_k_by_hand")
def test_top_k_refuses_other_k(submission):
    """A k below 1 or above the number of classes is a ValueError that names k."""
    refused = [is_refused(submission, LOGITS[:2], TRUE[:2], k) for k in (2, 3)]
    problem = "was refused, though there are four classes"
    assert_holds(refused != [False, True], problem, mistake="limits_k_by_the_pictures")
    for k in (5, 0, -1, 40):
        assert_mentions(assert_raises(ValueError, submission.top_k_accuracy, LOGITS, TRUE, k), "k")


def is_refused(submission, *args):
    """Return True if a call raises ValueError."""
    refused = True
    with contextlib.suppress(ValueError):
        submission.top_k_accuracy(*args)
        refused = False
    return refused


@pytest.mark.points("top_k_accuracy", 0.25)
@pytest.mark.depends_on("test_top_k_by_hand")
def test_top_k_is_tidy(submission):
    """Logits and labels are not changed, and a single picture will do."""
    assert_close(assert_tidy(submission, partial(submission.top_k_accuracy, LOGITS[:1], TRUE[:1], 1)), 1.0)


@pytest.mark.points("top_k_accuracy", 1.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_top_k_by_hand")
def test_top_k_on_other_logits(submission, reference, rng):
    """Any logits are judged right, of one class too."""
    for count, classes in ((50, 37), (17, 5), (3, 1)):
        logits = torch.randn(count, classes, generator=rng)
        labels = torch.randint(0, classes, (count,), generator=rng)
        for k in {1, (classes + 1) // 2, classes}:
            assert_close(submission.top_k_accuracy(logits, labels, k), reference.top_k_accuracy(logits, labels, k))


# --- confusion_matrix


@pytest.mark.points("confusion_matrix", 1.75)
def test_confusion_matrix_by_hand(submission, rng):
    """Rows are true classes, columns predicted ones, and a pair that occurs twice counts twice."""
    labels = torch.tensor([0, 0, 0, 1, 2, 2, 2])
    predictions = torch.tensor([0, 1, 1, 1, 0, 2, 0])
    expected = torch.tensor([[1, 2, 0], [0, 1, 0], [2, 0, 1]])
    # The same pairs more than once, each as often as drawn, in any order.
    times = torch.randint(1, 5, (7,), generator=rng)
    mixed = torch.arange(7).repeat_interleave(times)[order(rng, int(times.sum()))]
    repeated = expected.clone()
    for k, pair in enumerate(zip(labels, predictions, strict=True)):
        repeated[pair] += times[k] - 1
    assert_each_close(
        (submission.confusion_matrix(predictions, labels, 3), expected),
        (submission.confusion_matrix(labels, predictions, 3), expected.T.contiguous()),
        (submission.confusion_matrix(predictions[mixed], labels[mixed], 3), repeated),
    )


@pytest.mark.points("confusion_matrix", 1)
@pytest.mark.depends_on("test_confusion_matrix_by_hand")
def test_confusion_matrix_has_a_row_for_every_class(submission):
    """A class that does not occur has a row and a column of zeros; a single class may occur 300 times."""
    expected = torch.zeros(5, 5, dtype=torch.int64)
    expected[1, 2], expected[2, 2] = 1, 1
    assert_equal(submission.confusion_matrix(torch.tensor([2, 2]), torch.tensor([1, 2]), 5), expected)
    many = torch.zeros(300, dtype=torch.int64)
    assert_equal(submission.confusion_matrix(many, many, 1), torch.tensor([[300]]))


@pytest.mark.points("confusion_matrix", 0.25)
@pytest.mark.depends_on("test_confusion_matrix_by_hand")
def test_confusion_matrix_is_tidy(submission, labels):
    """Predictions and labels are not changed."""
    assert_tidy(submission, partial(submission.confusion_matrix, labels.flip(0), labels, 4))


@pytest.mark.points("confusion_matrix", 1)
@pytest.mark.hidden
@pytest.mark.depends_on("test_confusion_matrix_by_hand")
def test_confusion_matrix_of_other_predictions(submission, reference, rng):
    """Any predictions are counted right, however many there are."""
    for classes, count in ((37, 400), (2, 1500)):
        predictions, labels = torch.randint(0, classes, (2, count), generator=rng)
        expected = reference.confusion_matrix(predictions, labels, classes)
        assert_equal(submission.confusion_matrix(predictions, labels, classes), expected)


# --- most_confused

MATRIX = torch.tensor([[9, 2, 0, 4], [1, 7, 0, 0], [0, 5, 8, 3], [0, 0, 6, 2]])
LETTERS = ["a", "b", "c", "d"]
CONFUSED = [("d", "c", 6), ("c", "b", 5), ("a", "d", 4), ("c", "d", 3), ("a", "b", 2), ("b", "a", 1)]


@pytest.mark.points("most_confused", 1)
def test_most_confused_by_hand(submission, rng):
    """The largest entries off the diagonal come first, as true class, predicted class and count."""
    turned = [("c", "d", 6), ("b", "c", 5), ("d", "a", 4)]
    # In the same order, but with other counts and names.
    counts = torch.cat([torch.zeros(1).long(), torch.randperm(60, generator=rng)[:9].sort().values + 1])
    names = dict(zip(LETTERS, [made_up(rng, 1) + letter for letter in LETTERS], strict=True))
    expected = [(names[true], names[taken], counts[count].item()) for true, taken, count in CONFUSED]
    assert_each_close(
        (submission.most_confused(MATRIX, LETTERS, 3), CONFUSED[:3]),
        (submission.most_confused(MATRIX, LETTERS), CONFUSED[:5]),
        (submission.most_confused(MATRIX, LETTERS, 0), []),
        (submission.most_confused(MATRIX.T.contiguous(), LETTERS, 3), turned),
        (submission.most_confused(counts[MATRIX], list(names.values()), 4), expected[:4]),
    )


@pytest.mark.points("most_confused", 1)
@pytest.mark.depends_on("test_most_confused_by_hand")
def test_most_confused_leaves_zeros_out(submission):
    """There are no more confusions than happened, however many are asked for."""
    assert_equal(submission.most_confused(MATRIX, LETTERS, 12), CONFUSED)
    assert_equal(submission.most_confused(torch.tensor([[3, 0], [0, 4]]), ["x", "y"], 5), [])
    assert_equal(submission.most_confused(torch.tensor([[3]]), ["x"], 5), [])


@pytest.mark.points("most_confused", 1)
@pytest.mark.depends_on("test_most_confused_by_hand")
def test_most_confused_with_equal_counts(submission):
    """Equal counts come in class order: by the true class, then by the predicted one."""
    matrix = torch.tensor([[0, 2, 7], [2, 0, 2], [7, 2, 0]])
    names = ["pug", "beagle", "Abyssinian"]
    expected = [("pug", "Abyssinian", 7), ("Abyssinian", "pug", 7), ("pug", "beagle", 2), ("beagle", "pug", 2)]
    assert_equal(submission.most_confused(matrix, names, 4), expected)
    # So many that a way to sort that keeps no order is seen.
    many = [f"{number:02d}" for number in range(20, 0, -1)]
    expected = [(true, predicted, 3) for true in many for predicted in many if true != predicted]
    assert_equal(submission.most_confused(torch.full((20, 20), 3), many, 400), expected)


@pytest.mark.points("most_confused", 0.5)
@pytest.mark.depends_on("test_most_confused_by_hand")
def test_most_confused_is_tidy(submission):
    """The matrix and the names are not changed."""
    assert_tidy(submission, partial(submission.most_confused, MATRIX, LETTERS, 2))


@pytest.mark.points("most_confused", 1.5)
@pytest.mark.hidden
@pytest.mark.depends_on("test_most_confused_by_hand")
def test_most_confused_in_other_matrices(submission, reference, rng):
    """Any matrix is read right."""
    for classes, n in ((8, 5), (5, 3), (6, 100)):
        matrix = torch.randint(0, 5, (classes, classes), generator=rng)
        names = [f"breed {k}" for k in order(rng, classes)]
        assert_equal(submission.most_confused(matrix, names, n), reference.most_confused(matrix, names, n))


# --- train_pet_classifier


@pytest.fixture
def colours(rng):
    """90 images of three colours in no order, with stripes and grain, and their labels; which colour is which is by lot."""
    labels = torch.randint(0, 3, (90,), generator=rng)
    labels[:3] = torch.arange(3)
    chosen = COLOURS[torch.randperm(4, generator=rng)[:3]]
    return striped(chosen[labels], torch.rand(90, generator=rng) < 0.5, rng), labels


def striped(colours, across, rng):
    """Images `(N, 3, 32, 40)` of these colours, with stripes across or down, and grain."""
    stripes = 0.1 * (torch.arange(40) // 2 % 2) - 0.05
    pattern = torch.where(across[:, None, None], stripes.expand(32, 40), stripes[:32, None].expand(32, 40))
    return colours[:, :, None, None] + pattern[:, None] + 0.02 * torch.rand(len(across), 3, 32, 40, generator=rng)


@pytest.fixture
def pictures(rng):
    """Pictures of some breeds, drawn anew and in no order, which is which by lot: to learn from, and to be judged by."""
    chosen = [list(ANIMALS.values())[k] for k in order(rng, len(ANIMALS))[:BREEDS]]
    labels = torch.arange(BREEDS).repeat(2 * PICTURES)
    labels = torch.cat([half[torch.randperm(len(half), generator=rng)] for half in labels.chunk(2)])
    drawn = [photograph(Rng(number(rng, 0, 2**31)), 64, chosen[label])[0] for label in labels.tolist()]
    images = torch.stack([torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8) for image in drawn])
    images = images.view(-1, 64, 64, 3).permute(0, 3, 1, 2).float() / 255
    count = len(labels) // 2
    return (images[:count], labels[:count]), (images[count:], labels[count:])


def logits_of(model, images, classes, seen=None):
    """Return what the returned model gives."""
    assert_module(model)
    logits = model(images)
    # The classes that never occur in a check are the last ones: one, or all after those seen.
    seen = classes - 1 if seen is None else seen
    few = getattr(logits, "shape", None) == (len(images), seen)
    problem = f"returned {seen} logits for each image, expected {classes}"
    assert_holds(not few, problem, logits, mistake="counts_the_labels")
    assert_kind(logits, (len(images), classes))
    return logits.detach()


def share_right(logits, labels):
    # In other words than any solution's: students read this file.
    return 1 - torch.count_nonzero(logits.max(dim=1).indices - labels).item() / len(labels)


def untrained_accuracy(train, test, seed):
    """Return the accuracy that ridge regression reaches on the features of an untrained backbone, to compare with."""
    backbone = load_backbone("tiny", False, seed=seed)
    with torch.no_grad():
        features, others = backbone(train[0]), backbone(test[0])
    middle, eye = features.mean(dim=0), torch.eye(features.shape[1])
    features, others = features - middle, others - middle
    wanted = torch.nn.functional.one_hot(train[1]).float() - 1 / BREEDS
    weights = torch.linalg.solve(features.T @ features + eye, features.T @ wanted)
    return share_right(others @ weights, test[1])


@pytest.mark.points("train_pet_classifier", 2)
def test_classifier_learns_what_is_easy(submission, rng):
    """New images that differ in what the backbone sees are told apart, in any order."""
    # The first half shows two of the colours, the second half the others: whoever learns from a part of them knows but two.
    # Of so many classes that none is guessed.
    names = [f"colour {k}" for k in range(13)]
    learned = torch.cat([torch.randint(0, 2, (66,), generator=rng), torch.randint(2, 4, (66,), generator=rng)])
    new = torch.randint(0, 4, (60,), generator=rng)
    chosen = COLOURS[torch.randperm(4, generator=rng)]
    images, others = (
        striped(chosen[labels], torch.rand(len(labels), generator=rng) < 0.5, rng) for labels in (learned, new)
    )
    backbone = eye_backbone("colours", seed=number(rng, 0, 1000))
    model = submission.train_pet_classifier(backbone, images, learned, names)
    logits = logits_of(model, others, len(names), seen=4)
    right = share_right(logits, new)
    assert_holds(
        right >= 0.9, f"returned a model that is right on {right:.2f} of new images, expected 0.9 or more", logits
    )


@pytest.mark.points("train_pet_classifier", 0.75)
@pytest.mark.depends_on("test_classifier_learns_what_is_easy")
def test_classifier_gives_logits_for_every_class(submission, colours, rng):
    """There is a logit for each name in classes, whether or not it was seen, for an image alone as among others."""
    images, labels = colours
    model = submission.train_pet_classifier(eye_backbone("colours"), images, labels, COLOUR_NAMES)
    logits = logits_of(model, images, len(COLOUR_NAMES))
    shares = bool((logits >= 0).all()) and bool(((logits.sum(dim=1) - 1).abs() < 1e-5).all())
    assert_holds(not shares, "returned probabilities, expected logits", logits)
    assert_own_logits(model, images, logits)
    alone = logits_of(model, images[48:49], len(COLOUR_NAMES))
    assert_close(alone, logits[48:49], rtol=1e-3, atol=1e-3)
    logits_of(model, images[:1, :, :32, :32], len(COLOUR_NAMES))
    assert_learns_among_many_classes(submission, rng)


def assert_learns_among_many_classes(submission, rng):
    """Four of 13 classes are told apart, far from each other in the list, by images that are all rather bright."""
    labels = torch.tensor(order(rng, 80)) % 4
    classes = torch.tensor([0, 5, 8, 12])[order(rng, 4)]
    # So that what the features are on the average, and how far apart, matters to whoever scales them.
    images = 0.3 * striped(COLOURS[labels], torch.rand(80, generator=rng) < 0.5, rng) + 0.65
    names = [f"shade {k}" for k in range(13)]
    model = submission.train_pet_classifier(eye_backbone("colours"), images, classes[labels], names)
    logits = logits_of(model, images, len(names), seen=4)
    right = share_right(logits, classes[labels])
    assert_holds(
        right >= 0.9,
        f"returned a model that is right on {right:.2f} of the images it has seen, where nine of 13 classes have none, "
        "expected 0.9 or more",
        logits,
        mistake="numbers_labels_anew" if share_right(logits, classes.argsort().argsort()[labels]) >= 0.9 else "",
    )


def assert_own_logits(model, images, logits):
    """Two images get the logits that they have among all, wherever they are taken from."""
    for few in torch.arange(len(images)).split(2)[:: len(images) // 8]:
        two, again = (logits_of(model, images[few], len(COLOUR_NAMES)) for _ in range(2))
        if not torch.allclose(two, logits[few], rtol=1e-3, atol=1e-3):
            break
    else:
        return
    facts = model.inspect()
    mistake = "standardises_by_the_batch" if torch.equal(two, again) else ""
    if isinstance(facts, dict) and facts.get("training"):
        mistake = "returns_training_mode"
    assert_holds(False, "gives images other logits in other company", two, mistake=mistake)


@pytest.mark.points("train_pet_classifier", 0.75)
@pytest.mark.depends_on("test_classifier_learns_what_is_easy")
def test_classifier_sees_what_its_backbone_sees(submission, rng):
    """Images alike to the backbone get the same logits, however they differ, and stay alike after training on them."""
    halves = [assert_sees_colours_alone, assert_sees_stripes_alone]
    for k in order(rng, 2):
        halves[k](submission, rng)


def assert_sees_colours_alone(submission, rng):
    """With a backbone that sees colours, the direction of stripes makes no difference."""
    across = torch.arange(60) % 2 == 1
    grey = 0.45 + 0.1 * torch.rand(60, 3, generator=rng)
    images = striped(grey, across, rng)
    backbone = eye_backbone("colours", seed=number(rng, 0, 1000))
    model = submission.train_pet_classifier(backbone, images, across.long(), COLOUR_NAMES)
    pair = striped(grey[:1].expand(2, 3), torch.tensor([True, False]), rng)
    pair -= pair.mean(dim=(2, 3), keepdim=True) - grey[0][:, None, None]
    one, other = logits_of(model, pair, len(COLOUR_NAMES))
    assert_close(other, one, rtol=1e-2, atol=1e-2)


def assert_sees_stripes_alone(submission, rng):
    """With a backbone that sees stripes, the colour makes no difference, and the direction of stripes all of it."""
    labels = torch.arange(60) % 2
    images = striped(COLOURS[labels], labels == 1, rng)
    model = submission.train_pet_classifier(eye_backbone("stripes"), images, labels, COLOUR_NAMES)
    red = striped(COLOURS[:1], torch.tensor([True]), rng)
    shift = (COLOURS[1] - COLOURS[0])[:, None, None]
    one, other = logits_of(model, torch.cat([red, red + shift]), len(COLOUR_NAMES))
    assert_close(other, one, rtol=1e-2, atol=1e-2)
    new = torch.tensor(order(rng, 40)) % 2
    logits = logits_of(model, striped(COLOURS[torch.tensor(order(rng, 40)) % 4], new == 1, rng), len(COLOUR_NAMES))
    right = share_right(logits, new)
    problem = f"returned a model that is right on {right:.2f} of new stripes, expected 0.9 or more"
    assert_holds(right >= 0.9, problem, logits)


@pytest.mark.points("train_pet_classifier", 0.25)
@pytest.mark.depends_on("test_classifier_learns_what_is_easy")
def test_classifier_has_its_parts(submission, colours, rng):
    """The model has a backbone with the given weights and statistics, a head, and the classes."""
    images, labels = colours
    backbone = eye_backbone("colours", seed=number(rng, 0, 1000))
    model = submission.train_pet_classifier(backbone, images, labels, COLOUR_NAMES)
    assert_module(model)
    # The backbone may be registered under another name, and `.backbone` be a property.
    assert_holds(hasattr(model, "backbone"), "returned a model without .backbone", model)
    facts, inside = model.inspect(), model.backbone
    assert_holds(hasattr(inside, "inspect"), "returned a model whose .backbone is no module", model)
    state = inside.inspect().get("state")
    assert_holds(isinstance(state, dict), "returned a model without weights", model)
    for name, value in backbone.state_dict().items():
        found = state.get(name)
        assert_holds(found is not None, f"returned a model without backbone.{name}", model)
        same = isinstance(found, torch.Tensor) and torch.equal(found, value)
        assert_holds(same, f"returned a model with another backbone.{name} than the backbone given", model)
    # What the head remembers need not be parameters or buffers.
    assert_holds(hasattr(model, "head"), "returned a model without .head", model)
    named = facts.get("classes")
    assert_holds(named == COLOUR_NAMES, f"returned a model with classes {show(named)}, expected {COLOUR_NAMES}", model)


@pytest.mark.points("train_pet_classifier", 0.5)
@pytest.mark.depends_on("test_classifier_learns_what_is_easy")
def test_classifier_leaves_the_backbone_as_good_as_it_was(submission, colours):
    """The backbone that was given gives the same features afterwards as before."""
    images, labels = colours
    eye = eye_backbone("colours")
    expected = eye(images).detach()
    backbone = submission.send(eye)
    submission.train_pet_classifier(backbone, images, labels, COLOUR_NAMES)
    assert_close(backbone(images).detach(), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.points("train_pet_classifier", 0.5)
@pytest.mark.depends_on("test_classifier_learns_what_is_easy")
def test_classifier_leaves_the_backbone_alone(submission, colours):
    """The backbone keeps its weights, statistics and mode, a frozen one stays frozen, and the images stay as they are."""
    images, labels = colours
    submission.train_pet_classifier(eye_backbone("colours"), images, labels, COLOUR_NAMES, seed=5)
    call = submission.last
    submission.train_pet_classifier(eye_backbone("colours"), images, labels, COLOUR_NAMES, seed=5)
    assert_seeds_nothing(call, submission.last, mistake="seeds_for_everybody")
    # Whether it is frozen is left open, as it may be a part of the model, unless it came frozen.
    assert_untouched(call, "weights", "training mode", "gradients", "hooks")
    frozen = eye_backbone("colours").requires_grad_(False)
    submission.train_pet_classifier(frozen, images, labels, COLOUR_NAMES)
    effects = submission.last.describe_side_effects("requires_grad")
    assert_holds(not effects, f"left something behind: {'; '.join(effects)}", mistake="wakes_a_frozen_backbone")


def assert_sees_no_colours(submission, train, test, names, rng):
    """Trained on pictures with a backbone that sees stripes alone, a model takes no notice of their colours."""
    model = submission.train_pet_classifier(eye_backbone("stripes"), *train, names)
    dark = 0.8 * test[0][:8]
    shift = 0.05 + 0.15 * torch.rand(3, 1, 1, generator=rng)
    one, other = logits_of(model, torch.cat([dark, dark + shift]), len(names)).chunk(2)
    facts = model.inspect()
    training = isinstance(facts, dict) and bool(facts.get("training"))
    assert_holds(
        torch.allclose(one, other, rtol=1e-2, atol=1e-2),
        "returned a model that gives other logits to pictures which its backbone, that sees stripes alone, cannot tell apart",
        other,
        mistake="" if training else "sees_more_than_the_backbone",
    )


@pytest.mark.points("train_pet_classifier", 1.75)
def test_classifier_is_better_than_guessing(submission, pictures, rng):
    """Breeds are told from pictures that were not among those learned from, far better than by guessing."""
    train, test = pictures
    names = [f"breed {k}" for k in range(BREEDS)]
    model = submission.train_pet_classifier(load_backbone("tiny"), *train, names)
    logits = logits_of(model, test[0], BREEDS)
    right, least = share_right(logits, test[1]), 1 / BREEDS + 0.3
    assert_holds(right >= least, f"returned a model right on {right:.2f} of new pictures, expected {least:.2f}", logits)
    assert_sees_no_colours(submission, train, test, names, rng)


@pytest.mark.points("train_pet_classifier", 1.5)
@pytest.mark.hidden
def test_classifier_makes_use_of_the_pretraining(submission, pictures, rng):
    """On the pretrained backbone the classifier is far better than one on an untrained backbone."""
    train, test = pictures
    names = [f"breed {k}" for k in range(BREEDS)]
    model = submission.train_pet_classifier(load_backbone("tiny"), *train, names, seed=number(rng, 0, 1000))
    logits = logits_of(model, test[0], BREEDS)
    right = share_right(logits, test[1])
    least = untrained_accuracy(train, test, number(rng, 0, 1000)) + 0.15
    assert_holds(right >= least, f"returned a model right on {right:.2f} of new pictures, expected {least:.2f}", logits)
    assert_sees_no_colours(submission, train, test, names, rng)
