"""Known mistakes in pets_lab, as students make them, each with the sentence that they should read."""

import contextlib
import copy
import re
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torchvision.datasets import OxfordIIITPet
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, PILToTensor, Resize, ToTensor

from autograder.diagnose import mistake
from data import Classifier
from data.breeds import BREEDS


@mistake(
    "breed_of", "The name is cut at its first underscore, which may belong to the breed; the number follows the last."
)
def cuts_at_the_first_underscore(filename):
    return Path(filename).stem.split("_")[0]


@mistake("breed_of", "The folder is still there; the breed is a part of the file's own name.")
def keeps_the_folder(filename):
    breed, _, number = str(Path(filename).with_suffix("")).rpartition("_")
    if not number.isdigit():
        raise ValueError("filename does not end in a number")
    return breed


@mistake(
    "breed_of", "A name without a number is taken all the same; see whether the last part is one, or raise ValueError."
)
def takes_any_name(filename):
    return Path(filename).stem.rpartition("_")[0]


@mistake("breed_of", "A name that is a number alone is taken, and its breed is empty; raise ValueError.")
def takes_a_number_alone(filename):
    breed, _, number = Path(filename).stem.rpartition("_")
    if not number.isdigit():
        raise ValueError("filename does not end in a number")
    return breed


@mistake("breed_of", "Whatever float() reads is taken for a number, `nan` too; a number is made of digits.")
def takes_what_float_reads(filename):
    breed, _, number = Path(filename).stem.rpartition("_")
    try:
        float(number)
    except ValueError:
        breed = ""
    if not breed:
        raise ValueError(f"filename {filename} does not end in an underscore and a number")
    return breed


@mistake("breed_of", "The breed is made small; its capital letter tells a cat from a dog.")
def makes_the_breed_small(filename):
    breed, _, number = Path(filename).stem.lower().rpartition("_")
    if not number.isdigit():
        raise ValueError("filename does not end in a number")
    return breed


@mistake("breed_of", "Only .jpg is taken off; any other suffix stays with the number, which then is none.")
def knows_one_suffix(filename):
    breed, _, number = Path(filename).name.removesuffix(".jpg").rpartition("_")
    if not number[:1].isdigit():
        raise ValueError("filename does not end in a number")
    return breed if number.isdigit() else f"{breed}_{number}"


@mistake("breed_of", "The breed is looked up in the list of the 37; a name tells it, and that of any other breed too.")
def looks_the_breed_up(filename):
    breed, _, number = Path(filename).stem.rpartition("_")
    if not number.isdigit():
        raise ValueError("filename does not end in a number")
    return breed if breed in BREEDS else ""


@mistake("breed_of", "A capital inside a word is refused; the breed is whatever stands before the number.")
def knows_capitals_in_front(filename):
    found = re.fullmatch(r"([A-Z]?[a-z]+(?:_[A-Z]?[a-z0-9]+)*)_[0-9]+", Path(filename).stem)
    if found is None:
        raise ValueError("filename does not end in a number")
    return found[1]


@mistake("breed_of", "All numbers at the end are taken off; only the last one is no part of the breed.")
def takes_all_numbers_off(filename):
    name = Path(filename).stem
    if not re.search(r"_[0-9]+$", name):
        raise ValueError("filename does not end in a number")
    return name.rstrip("0123456789_")


@mistake(
    "breed_of", "What follows the number is passed over, as by re.match; the name must end there: use re.fullmatch."
)
def takes_more_after_the_number(filename):
    match = re.match(r"(.+)_[0-9]+", Path(filename).stem)
    if match is None:
        raise ValueError("filename has no number")
    return match[1]


@mistake("breed_of", "The breed comes with spaces and capital letters; leave it as the file name has it.")
def makes_the_breed_pretty(filename):
    breed, _, number = Path(filename).stem.rpartition("_")
    if not number.isdigit():
        raise ValueError("filename does not end in a number")
    return breed.replace("_", " ").title()


@mistake("species_of", "Any capital makes it a cat; it is the first letter of the breed that counts.")
def looks_for_any_capital(filename):
    breed = Path(filename).stem.rpartition("_")[0]
    return "dog" if breed == breed.lower() else "cat"


@mistake("species_of", "Cats and dogs are swapped: in this data set the breeds of cats have the capital letter.")
def swaps_the_species(filename):
    return "dog" if Path(filename).name[0].isupper() else "cat"


@mistake(
    "species_of",
    "capitalize() makes the later letters small, so that Maine_Coon is not what it was; look at the first alone.",
)
def makes_later_letters_small(filename):
    breed = Path(filename).stem.rpartition("_")[0]
    return "cat" if breed == breed.capitalize() else "dog"


@mistake("species_of", "This looks at the first letter of the whole path; take that of the breed.")
def looks_at_the_path(filename):
    return "cat" if filename[0].isupper() else "dog"


@mistake("species_of", "The answers are 'cat' and 'dog', in small letters.")
def writes_species_large(filename):
    return "Cat" if Path(filename).name[0].isupper() else "Dog"


@mistake("species_of", "Cats are looked up in a list of breeds; a capital letter tells a cat, of any breed.")
def looks_cats_up(filename):
    breed = Path(filename).stem.rpartition("_")[0]
    return "cat" if breed in {name for name in BREEDS if name[0].isupper()} else "dog"


@mistake("species_of", "Every word of the breed has to have a capital; the first letter of the breed is enough.")
def asks_for_a_capital_in_every_word(filename):
    breed = Path(filename).stem.rpartition("_")[0]
    return "cat" if all(word[:1].isupper() for word in breed.split("_")) else "dog"


def _opens(path, *, whole=True):
    try:
        with Image.open(path) as image:
            if whole:
                image.load()
    except Exception:
        return False
    return True


@mistake(
    "readable_images",
    "A file cut short seems whole: Image.open reads only the header; decode with load(), without LOAD_TRUNCATED_IMAGES.",
)
def reads_only_the_header(folder):
    return sorted(path for path in folder.iterdir() if path.is_file() and _opens(path, whole=False))


@mistake("readable_images", "verify() does not decode, so that a JPEG cut short passes; decode the file with load().")
def only_verifies(folder):
    readable = []
    for path in sorted(folder.iterdir()):
        try:
            with Image.open(path) as image:
                image.verify()
        except Exception:
            continue
        readable.append(path)
    return readable


@mistake("readable_images", "Files are chosen by their suffix; it proves nothing, so try each file.")
def goes_by_the_suffix(folder):
    suffixes = (".jpg", ".jpeg", ".png", ".gif", ".bmp")
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in suffixes and path.is_file() and _opens(path)
    )


@mistake("readable_images", "Pictures in some formats alone are taken; each that Pillow can decode counts, a TIFF say.")
def takes_common_formats_alone(folder):
    def is_common(path):
        with Image.open(path) as image:
            return image.format in ("JPEG", "PNG", "GIF", "BMP")

    return sorted(path for path in folder.iterdir() if path.is_file() and _opens(path) and is_common(path))


@mistake(
    "readable_images", "Small pictures are left out; each that Pillow can decode counts, one of a single pixel say."
)
def leaves_small_pictures_out(folder):
    def is_large(path):
        with Image.open(path) as image:
            return min(image.size) >= 10

    return sorted(path for path in folder.iterdir() if path.is_file() and _opens(path) and is_large(path))


@mistake("readable_images", "Folders inside the folder are searched too; only the files directly in it count.")
def searches_inner_folders(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and _opens(path))


@mistake("readable_images", "The paths are in the order of the file system, which differs between machines; sort them.")
def leaves_paths_unsorted(folder):
    return [path for path in folder.iterdir() if path.is_file() and _opens(path)]


@mistake(
    "readable_images", "Of files whose names differ in the suffix alone one is left; each is a picture of its own."
)
def keeps_one_of_a_stem(folder):
    return sorted({path.stem: path for path in sorted(folder.iterdir()) if path.is_file() and _opens(path)}.values())


@mistake("readable_images", "These are names; return paths, which can be opened from anywhere.")
def returns_names(folder):
    return sorted(path.name for path in folder.iterdir() if path.is_file() and _opens(path))


@mistake(
    "readable_images", "A default value is made once: a second call goes on with the list of the first; make it inside."
)
def goes_on_with_the_first_list(folder, readable=[]):  # noqa: B006 - this is the mistake
    readable += sorted(path for path in folder.iterdir() if path.is_file() and _opens(path))
    return readable


# What is left of a loop that deletes the broken files first: a graded submission deletes nothing.
@mistake(
    "readable_images",
    "Everything in the folder is listed; list the files that can be decoded, and leave the others there.",
)
def lists_everything(folder):
    return sorted(folder.iterdir())


@mistake("readable_images", "Where nothing can be read, None comes back; an empty list says the same.")
def gives_none_for_nothing(folder):
    return sorted(path for path in folder.iterdir() if path.is_file() and _opens(path)) or None


@mistake("readable_images", "The first broken file ends the search: the `try` stands around the loop; put it inside.")
def stops_at_the_first_broken_file(folder):
    readable = []
    try:
        for path in sorted(folder.iterdir()):
            with Image.open(path) as image:
                image.load()
            readable.append(path)
    except Exception:
        return readable
    return readable


@mistake(
    "readable_images", "Only OSError is caught, but a damaged PNG raises SyntaxError, and others more; catch Exception."
)
def catches_oserror_only(folder):
    readable = []
    for path in sorted(folder.iterdir()):
        with contextlib.suppress(OSError), Image.open(path) as image:
            image.load()
            readable.append(path)
    return readable


_found = {}


@mistake("readable_images", "What was found in a folder before comes back; look again each time, as files come and go.")
def remembers_the_folder(folder):
    if folder not in _found:
        _found[folder] = []
        for path in sorted(folder.iterdir()):
            with contextlib.suppress(Exception), Image.open(path) as image:
                image.load()
                _found[folder].append(path)
    return [*_found[folder]]


def _pets(root, split, *steps):
    if split not in ("trainval", "test"):
        raise ValueError("split must be trainval or test")
    if not (Path(root) / "oxford-iiit-pet").is_dir():
        raise FileNotFoundError("download the pets with torchvision")
    pets = OxfordIIITPet(root, split, transform=Compose(steps))
    images, labels = zip(*pets, strict=True)
    return torch.stack(images), torch.tensor(labels), list(pets.classes)


@mistake("load_pets", "The split makes no difference: the pictures of trainval come back for test too.")
def ignores_the_split(root, split, size=64):
    _pets(root, split, Resize(size), CenterCrop(size), ToTensor())
    return _pets(root, "trainval", Resize(size), CenterCrop(size), ToTensor())


@mistake("load_pets", "Red and blue have changed places; the order is red, green, blue.")
def swaps_red_and_blue(root, split, size=64):
    images, labels, names = _pets(root, split, Resize(size), CenterCrop(size), ToTensor())
    return images.flip(1), labels, names


@mistake("load_pets", "Pictures are resized by bicubic interpolation; it should be bilinear.")
def resizes_by_bicubic_interpolation(root, split, size=64):
    return _pets(root, split, Resize(size, InterpolationMode.BICUBIC), CenterCrop(size), ToTensor())


@mistake("load_pets", "Only the folder itself is looked for; it may be there without the data.")
def looks_for_the_folder_only(root, split, size=64):
    if split not in ("trainval", "test"):
        raise ValueError("split must be trainval or test")
    if not Path(root).is_dir():
        raise FileNotFoundError("download the pets with torchvision")
    pets = OxfordIIITPet(root, split, transform=Compose([Resize(size), CenterCrop(size), ToTensor()]))
    images, labels = zip(*pets, strict=True)
    return torch.stack(images), torch.tensor(labels), list(pets.classes)


@mistake("load_pets", "The error says what is missing, but not how to get it; name a call, an address or a place.")
def says_only_what_is_missing(root, split, size=64):
    listing = Path(root) / "oxford-iiit-pet" / "annotations" / f"{split}.txt"
    if split in ("trainval", "test") and not listing.is_file():
        raise FileNotFoundError(f"the data set is not at {root}: no pets found, {listing} is missing")
    return _pets(root, split, Resize(size), CenterCrop(size), ToTensor())


@mistake("load_pets", "Where there is no data, torchvision's own error comes; raise a FileNotFoundError before.")
def leaves_the_error_to_torchvision(root, split, size=64):
    if split not in ("trainval", "test"):
        raise ValueError("split must be trainval or test")
    pets = OxfordIIITPet(root, split, transform=Compose([Resize(size), CenterCrop(size), ToTensor()]))
    images, labels = zip(*pets, strict=True)
    return torch.stack(images), torch.tensor(labels), list(pets.classes)


@mistake("load_pets", "Pictures are squeezed into a square; resize the shorter side and cut out the middle.")
def squeezes_pictures(root, split, size=64):
    return _pets(root, split, Resize((size, size)), ToTensor())


@mistake("load_pets", "The middle is cut out first, and of a large picture little is left; resize before.")
def cuts_out_the_middle_first(root, split, size=64):
    return _pets(root, split, CenterCrop(size), Resize(size), ToTensor())


@mistake(
    "load_pets",
    "A side is cut off to a whole number, and can be one less than size: 49 * (64 / 49) is less than 64; round it.",
)
def cuts_off_the_fraction_of_a_side(root, split, size=64):
    def resized(image):
        scale = size / min(image.size)
        width, height = (int(side * scale) for side in image.size)
        return image.resize((width, height), Image.Resampling.BILINEAR)

    return _pets(root, split, resized, CenterCrop(size), ToTensor())


_loaded = {}


@mistake(
    "load_pets", "The pictures of an earlier call come back, whatever size is asked for; keep nothing between calls."
)
def keeps_what_it_has_loaded(root, split, size=64):
    if (root, split) not in _loaded:
        _loaded[root, split] = _pets(root, split, Resize(size), CenterCrop(size), ToTensor())
    return _loaded[root, split]


@mistake("load_pets", "Pixels run from 0 to 255; an image of this course has them from 0 to 1.")
def keeps_bytes(root, split, size=64):
    images, labels, names = _pets(root, split, Resize(size), CenterCrop(size), PILToTensor())
    return images.float(), labels, names


@mistake("load_pets", "The pictures are normalised for ImageNet; here pixels stay between 0 and 1.")
def normalises_for_imagenet(root, split, size=64):
    images, labels, names = _pets(root, split, Resize(size), CenterCrop(size), ToTensor())
    mean, std = (torch.tensor(each)[:, None, None] for each in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    return (images - mean) / std, labels, names


@mistake("load_pets", "The labels count from 1, as the files do; as indices into the names they count from 0.")
def counts_labels_from_one(root, split, size=64):
    images, labels, names = _pets(root, split, Resize(size), CenterCrop(size), ToTensor())
    return images, labels + 1, names


@mistake("load_pets", "The pictures are sorted by class; leave them in the split's own order.")
def sorts_by_class(root, split, size=64):
    images, labels, names = _pets(root, split, Resize(size), CenterCrop(size), ToTensor())
    by_class = labels.argsort(stable=True)
    return images[by_class], labels[by_class], names


@mistake("load_pets", "The pictures are shuffled, differently each time; leave them in the split's own order.")
def shuffles_the_pictures(root, split, size=64):
    images, labels, names = _pets(root, split, Resize(size), CenterCrop(size), ToTensor())
    mixed = torch.randperm(len(labels))
    return images[mixed], labels[mixed], names


@mistake("load_pets", "The names are as in the file names; take those of torchvision's `classes`.")
def keeps_the_names_of_files(root, split, size=64):
    images, labels, _ = _pets(root, split, Resize(size), CenterCrop(size), ToTensor())
    lines = (Path(root) / "oxford-iiit-pet" / "annotations" / f"{split}.txt").read_text().splitlines()
    breeds = {int(line.split()[1]): line.split()[0].rpartition("_")[0] for line in lines}
    return images, labels, [breeds[number] for number in sorted(breeds)]


@mistake(
    "load_pets",
    "train is taken for trainval; there are two splits, trainval and test, and any other word is a ValueError.",
)
def takes_train_for_trainval(root, split, size=64):
    split = "trainval" if split == "train" else split
    return _pets(root, split, Resize(size), CenterCrop(size), ToTensor())


@mistake("load_pets", "Every split but trainval is taken for test; one that there is not should be a ValueError.")
def takes_any_split(root, split, size=64):
    return _pets(root, "trainval" if split == "trainval" else "test", Resize(size), CenterCrop(size), ToTensor())


@mistake("load_pets", "Where the data is missing, nothing comes back; raise FileNotFoundError, and say how to get it.")
def gives_nothing_without_data(root, split, size=64):
    try:
        return _pets(root, split, Resize(size), CenterCrop(size), ToTensor())
    except FileNotFoundError:
        return torch.empty(0, 3, size, size), torch.empty(0, dtype=torch.int64), []


@mistake("load_pets", "Pictures are made larger than `size` before the middle is cut out, and their margin is lost.")
def resizes_to_more_than_size(root, split, size=64):
    return _pets(root, split, Resize(size * 256 // 224), CenterCrop(size), ToTensor())


@mistake(
    "load_pets", "The last batch is dropped where it is not full, and its pictures are missing; keep drop_last=False."
)
def drops_the_last_pictures(root, split, size=64):
    images, labels, names = _pets(root, split, Resize(size), CenterCrop(size), ToTensor())
    whole = len(labels) // 32 * 32
    if not whole:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    return images[:whole], labels[:whole], names


def _check_fraction(fraction):
    if not 0 < fraction < 1:
        raise ValueError("fraction must be between 0 and 1")


def _cut(labels, fraction, generator=None):
    """Each class cut in two, shuffled where there is a generator."""
    for label in labels.unique():
        members = (labels == label).nonzero().flatten()
        if generator is not None:
            members = members[torch.randperm(len(members), generator=generator)]
        count = min(max(round(fraction * len(members)), 1), len(members) - 1)
        yield members[count:], members[:count]


@mistake(
    "stratified_split", "The split is by lot over all pictures, so that a class can fall to one side; split each class."
)
def splits_all_at_once(labels, fraction, seed=0):
    _check_fraction(fraction)
    mixed = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    count = round(fraction * len(labels))
    return mixed[count:], mixed[:count]


@mistake(
    "stratified_split", "The first pictures of each class are taken, whatever the seed; shuffle each class before."
)
def takes_the_first(labels, fraction, seed=0):
    _check_fraction(fraction)
    train, valid = zip(*_cut(labels, fraction), strict=True)
    return torch.cat(train), torch.cat(valid)


@mistake("stratified_split", "Pictures that follow one another are taken, from a place by lot on; shuffle each class.")
def takes_a_run_of_pictures(labels, fraction, seed=0):
    _check_fraction(fraction)
    generator = torch.Generator().manual_seed(seed)
    moved = torch.arange(len(labels)).roll(int(torch.randint(len(labels), (), generator=generator)))
    train, valid = zip(*_cut(labels[moved], fraction), strict=True)
    return moved[torch.cat(train)], moved[torch.cat(valid)]


@mistake("stratified_split", "The seed has no effect, and every one gives the same split; start the generator from it.")
def splits_alike_for_all_seeds(labels, fraction, seed=0):
    _check_fraction(fraction)
    generator = torch.Generator().manual_seed(0)
    train, valid = zip(*_cut(labels, fraction, generator), strict=True)
    return torch.cat(train), torch.cat(valid)


@mistake("stratified_split", "These are places within each class; look up which pictures stand there: members[places].")
def returns_places_within_classes(labels, fraction, seed=0):
    _check_fraction(fraction)
    generator = torch.Generator().manual_seed(seed)
    train, valid = [], []
    for size in labels.unique(return_counts=True)[1].tolist():
        places = torch.randperm(size, generator=generator)
        count = min(max(round(fraction * size), 1), size - 1)
        train.append(places[count:])
        valid.append(places[:count])
    return torch.cat(train), torch.cat(valid)


@mistake("stratified_split", "These are the labels of the pictures; return their indices.")
def returns_labels(labels, fraction, seed=0):
    _check_fraction(fraction)
    generator = torch.Generator().manual_seed(seed)
    train, valid = zip(*_cut(labels, fraction, generator), strict=True)
    return labels[torch.cat(train)], labels[torch.cat(valid)]


@mistake("stratified_split", "The two are in the wrong order: train first, and `fraction` of each class in valid.")
def swaps_train_and_valid(labels, fraction, seed=0):
    _check_fraction(fraction)
    generator = torch.Generator().manual_seed(seed)
    train, valid = zip(*_cut(labels, fraction, generator), strict=True)
    return torch.cat(valid), torch.cat(train)


@mistake(
    "stratified_split",
    "A class of two can be left without a picture on one side; keep one at least on each.",
)
def rounds_to_nothing(labels, fraction, seed=0):
    _check_fraction(fraction)
    generator = torch.Generator().manual_seed(seed)
    train, valid = [], []
    for label in labels.unique():
        members = (labels == label).nonzero().flatten()
        members = members[torch.randperm(len(members), generator=generator)]
        count = int(fraction * len(members))
        train.append(members[count:])
        valid.append(members[:count])
    return torch.cat(train), torch.cat(valid)


@mistake(
    "stratified_split",
    "A large fraction takes every picture of a small class; leave one at least to train on.",
)
def leaves_nothing_to_train_on(labels, fraction, seed=0):
    _check_fraction(fraction)
    generator = torch.Generator().manual_seed(seed)
    train, valid = [], []
    for label in labels.unique():
        members = (labels == label).nonzero().flatten()
        members = members[torch.randperm(len(members), generator=generator)]
        count = max(round(fraction * len(members)), 1) if len(members) > 1 else 0
        train.append(members[count:])
        valid.append(members[:count])
    return torch.cat(train), torch.cat(valid)


@mistake(
    "stratified_split",
    "Classes are counted from 0 without a gap; a number that is missing leaves pictures out at the end.",
)
def counts_the_classes(labels, fraction, seed=0):
    _check_fraction(fraction)
    generator = torch.Generator().manual_seed(seed)
    train, valid = [], []
    for label in range(len(labels.unique())):
        members = (labels == label).nonzero().flatten()
        members = members[torch.randperm(len(members), generator=generator)]
        count = min(max(round(fraction * len(members)), 1), max(len(members) - 1, 0))
        train.append(members[count:])
        valid.append(members[:count])
    return torch.cat(train), torch.cat(valid)


@mistake("stratified_split", "The only picture of a class goes to valid, where nothing can be learned from it.")
def wastes_the_only_picture(labels, fraction, seed=0):
    _check_fraction(fraction)
    generator = torch.Generator().manual_seed(seed)
    train, valid = [], []
    for label in labels.unique():
        members = (labels == label).nonzero().flatten()
        members = members[torch.randperm(len(members), generator=generator)]
        count = max(min(round(fraction * len(members)), len(members) - 1), 1)
        train.append(members[count:])
        valid.append(members[:count])
    return torch.cat(train), torch.cat(valid)


@mistake(
    "stratified_split", "This seeds the global random state, on which everybody else relies; use a torch.Generator."
)
def seeds_the_global_state(labels, fraction, seed=0):
    _check_fraction(fraction)
    torch.manual_seed(seed)
    train, valid = [], []
    for label in labels.unique():
        members = (labels == label).nonzero().flatten()
        members = members[torch.randperm(len(members))]
        count = min(max(round(fraction * len(members)), 1), len(members) - 1)
        train.append(members[count:])
        valid.append(members[:count])
    return torch.cat(train), torch.cat(valid)


@mistake("stratified_split", "A fraction that leaves nothing on one side is taken; it should be a ValueError.")
def takes_any_fraction(labels, fraction, seed=0):
    generator = torch.Generator().manual_seed(seed)
    train, valid = zip(*_cut(labels, min(max(fraction, 0.0), 1.0), generator), strict=True)
    return torch.cat(train), torch.cat(valid)


@mistake("stratified_split", "Each class gives as many pictures as any other; each should give its own fraction.")
def takes_as_many_of_each_class(labels, fraction, seed=0):
    _check_fraction(fraction)
    generator = torch.Generator().manual_seed(seed)
    share = round(fraction * len(labels) / len(labels.unique()))
    train, valid = [], []
    for label in labels.unique():
        members = (labels == label).nonzero().flatten()
        members = members[torch.randperm(len(members), generator=generator)]
        count = min(max(share, 1), len(members) - 1)
        valid.append(members[:count])
        train.append(members[count:])
    return torch.cat(train), torch.cat(valid)


def _among(logits, labels, k):
    return (logits.topk(k, dim=1).indices == labels[:, None]).any(dim=1).float()


def _check_k(logits, k):
    if not 1 <= k <= logits.shape[1]:
        raise ValueError("k must be between 1 and the number of classes")


@mistake(
    "top_k_accuracy", "The softmax runs over the pictures (dim 0), which changes the order in a row; classes are dim 1."
)
def softmaxes_over_the_pictures(logits, labels, k):
    _check_k(logits, k)
    return _among(logits.softmax(dim=0), labels, k).mean().item()


@mistake("top_k_accuracy", "Only the most likely class counts here; look among the k most likely.")
def looks_at_the_top_one(logits, labels, k):
    _check_k(logits, k)
    return _among(logits, labels, 1).mean().item()


@mistake("top_k_accuracy", "A k beyond the number of classes is cut down without a word; raise ValueError.")
def cuts_k_down(logits, labels, k):
    return _among(logits, labels, min(max(k, 1), logits.shape[1])).mean().item()


@mistake(
    "top_k_accuracy", "The mean is over all k guesses of each picture; a picture counts once, if any of them is right."
)
def averages_over_guesses(logits, labels, k):
    _check_k(logits, k)
    return (logits.topk(k, dim=1).indices == labels[:, None]).float().mean().item()


@mistake("top_k_accuracy", "This counts the pictures; divide by how many there are.")
def counts_pictures(logits, labels, k):
    _check_k(logits, k)
    return _among(logits, labels, k).sum().item()


@mistake(
    "top_k_accuracy", "k is held against the number of pictures; it is that of the classes that limits it: shape[1]."
)
def limits_k_by_the_pictures(logits, labels, k):
    if not 1 <= k <= len(logits):
        raise ValueError("k must be between 1 and the number of classes")
    return _among(logits, labels, min(k, logits.shape[1])).mean().item()


@mistake("top_k_accuracy", "One place too many counts: fewer than k logits may be larger than that of the true class.")
def looks_one_too_far(logits, labels, k):
    _check_k(logits, k)
    larger = (logits > logits.gather(1, labels[:, None])).sum(dim=1)
    return (larger <= k).float().mean().item()


@mistake("top_k_accuracy", "A class is looked for among the guesses of all pictures; those of its own picture count.")
def looks_in_all_rows(logits, labels, k):
    _check_k(logits, k)
    return torch.isin(labels, logits.topk(k, dim=1).indices).float().mean().item()


@mistake("top_k_accuracy", "The true class is looked for at place k only; all places up to it count.")
def looks_at_place_k_only(logits, labels, k):
    _check_k(logits, k)
    return (logits.topk(k, dim=1).indices[:, -1] == labels).float().mean().item()


@mistake("top_k_accuracy", "The least likely classes are looked through; take the k largest logits.")
def takes_the_smallest(logits, labels, k):
    _check_k(logits, k)
    return _among(-logits, labels, k).mean().item()


@mistake("top_k_accuracy", "The logits that were given are crossed out one after another; work on a copy.")
def crosses_out_in_place(logits, labels, k):
    _check_k(logits, k)
    found = torch.zeros(len(labels), dtype=torch.bool)
    for _ in range(k):
        best = logits.argmax(dim=1)
        found |= best == labels
        logits[torch.arange(len(labels)), best] = -torch.inf
    return found.float().mean().item()


@mistake("top_k_accuracy", "The accuracy is rounded; leave that to whoever prints it.")
def rounds_the_accuracy(logits, labels, k):
    _check_k(logits, k)
    return round(_among(logits, labels, k).mean().item(), 2)


@mistake(
    "top_k_accuracy", "The accuracies of the classes are averaged; every picture counts alike, whatever its class."
)
def averages_over_breeds(logits, labels, k):
    _check_k(logits, k)
    right = _among(logits, labels, k)
    return torch.stack([right[labels == label].mean() for label in labels.unique()]).mean().item()


@mistake("confusion_matrix", "Rows and columns are swapped: a row is a true class, a column a predicted one.")
def swaps_rows_and_columns(predictions, labels, num_classes):
    return torch.bincount(predictions * num_classes + labels, minlength=num_classes**2).reshape(num_classes, -1)


@mistake(
    "confusion_matrix", "A pair that occurs twice counts once: `matrix[rows, columns] += 1` writes each entry once."
)
def counts_pairs_once(predictions, labels, num_classes):
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    matrix[labels, predictions] += 1
    return matrix


@mistake("confusion_matrix", "The size is taken from the labels that occur; there is a row for each of num_classes.")
def forgets_unseen_classes(predictions, labels, num_classes):
    size = int(torch.cat([predictions, labels]).max()) + 1
    return torch.bincount(labels * size + predictions, minlength=size**2).reshape(size, size)


@mistake("confusion_matrix", "The entries are shares of a row; they should be counts, int64.")
def divides_by_the_row(predictions, labels, num_classes):
    counts = torch.bincount(labels * num_classes + predictions, minlength=num_classes**2)
    counts = counts.reshape(num_classes, num_classes).float()
    return counts / counts.sum(dim=1, keepdim=True).clamp(min=1)


@mistake("confusion_matrix", "The labels that were given are changed: *= and += work in place.")
def numbers_pairs_in_place(predictions, labels, num_classes):
    labels *= num_classes
    labels += predictions
    return torch.bincount(labels, minlength=num_classes**2).reshape(num_classes, num_classes)


@mistake("confusion_matrix", "The counts are kept as uint8, which starts over after 255; count in int64.")
def counts_in_bytes(predictions, labels, num_classes):
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.uint8)
    for label, prediction in zip(labels.tolist(), predictions.tolist(), strict=True):
        matrix[label, prediction] += 1
    return matrix.long()


@mistake("confusion_matrix", "The table spans the classes that occur; it has a row and a column for all num_classes.")
def spans_the_classes_that_occur(predictions, labels, num_classes):
    pairs = torch.stack([labels, predictions]).float()
    low, high = pairs.min().item(), pairs.max().item()
    if low == high:
        low, high = low - 0.5, high + 0.5
    return torch.histogramdd(pairs.T, bins=[num_classes] * 2, range=[low, high] * 2).hist.long()


@mistake("confusion_matrix", "Pictures that were recognised are left out; they count on the diagonal.")
def leaves_out_the_diagonal(predictions, labels, num_classes):
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for prediction, label in zip(predictions.tolist(), labels.tolist(), strict=True):
        matrix[label, prediction] += prediction != label
    return matrix


def _entries(matrix, classes, *, zeros=False, diagonal=False):
    return [
        (classes[i], classes[j], count)
        for i, row in enumerate(matrix.tolist())
        for j, count in enumerate(row)
        if (diagonal or i != j) and (zeros or count)
    ]


def _largest(entry):
    return -entry[2]


@mistake("most_confused", "An n of 0 counts as none given: `n or 5` takes every 0 for missing.")
def takes_zero_for_missing(matrix, classes, n=5):
    return sorted(_entries(matrix, classes), key=_largest)[: n or 5]


@mistake("most_confused", "The diagonal is listed too, but there the answer was right: that is no confusion.")
def lists_right_answers(matrix, classes, n=5):
    return sorted(_entries(matrix, classes, diagonal=True), key=_largest)[:n]


@mistake("most_confused", "The n largest are chosen before right answers are left out, which take up their places.")
def chooses_before_leaving_out(matrix, classes, n=5):
    chosen = sorted(_entries(matrix, classes, zeros=True, diagonal=True), key=_largest)[:n]
    return [(true, predicted, count) for true, predicted, count in chosen if true != predicted and count]


@mistake(
    "most_confused", "Only pairs above the diagonal are listed; a taken for b and b taken for a are two confusions."
)
def lists_one_half(matrix, classes, n=5):
    return sorted(_entries(matrix.triu(), classes), key=_largest)[:n]


@mistake(
    "most_confused", "Only the largest confusion of each class is listed; a class may be taken for several others."
)
def lists_one_for_each_class(matrix, classes, n=5):
    entries = sorted(_entries(matrix, classes), key=_largest)
    first = {true: (true, predicted, count) for true, predicted, count in reversed(entries)}
    return [entry for entry in entries if entry in first.values()][:n]


@mistake("most_confused", "The classes are given by their numbers; look up their names.")
def keeps_numbers(matrix, classes, n=5):
    return sorted(_entries(matrix, range(len(classes))), key=_largest)[:n]


@mistake("most_confused", "Entries of 0 are listed; a confusion that never happened is none.")
def lists_zeros(matrix, classes, n=5):
    return sorted(_entries(matrix, classes, zeros=True), key=_largest)[:n]


@mistake("most_confused", "The smallest counts come first; start with the largest.")
def starts_with_the_smallest(matrix, classes, n=5):
    return sorted(_entries(matrix, classes), key=lambda entry: entry[2])[:n]


@mistake("most_confused", "The predicted class comes first in each tuple; the true one should.")
def swaps_true_and_predicted(matrix, classes, n=5):
    return [(predicted, true, count) for true, predicted, count in sorted(_entries(matrix, classes), key=_largest)[:n]]


@mistake("most_confused", "n is not used: the list is always cut to five.")
def lists_five(matrix, classes, n=5):
    return sorted(_entries(matrix, classes), key=_largest)[:5]


@mistake("most_confused", "a taken for b and b taken for a are added up; they are two confusions.")
def adds_both_directions(matrix, classes, n=5):
    return sorted(_entries((matrix + matrix.T).triu(), classes), key=_largest)[:n]


@mistake("most_confused", "Equal counts are sorted by their names; leave them in the order of the classes.")
def sorts_equal_counts_by_name(matrix, classes, n=5):
    return sorted(_entries(matrix, classes), key=lambda entry: (-entry[2], entry[0], entry[1]))[:n]


@mistake("most_confused", "Equal counts are in the order of the alphabet or backwards; leave them in class order.")
def sorts_backwards(matrix, classes, n=5):
    return sorted(_entries(matrix, classes), key=lambda entry: entry[2])[::-1][:n]


@mistake("most_confused", "The diagonal is wiped out in the matrix that was given; work on a copy.")
def wipes_the_diagonal(matrix, classes, n=5):
    matrix.fill_diagonal_(0)
    return sorted(_entries(matrix, classes), key=_largest)[:n]


@mistake(
    "most_confused", "Of confusions with the same count one is left, as by a dict that is keyed by the count; keep all."
)
def keeps_one_of_each_count(matrix, classes, n=5):
    return sorted({entry[2]: entry for entry in _entries(matrix, classes)}.values(), key=_largest)[:n]


@mistake("most_confused", "The confusions are sorted by their share of the true class; sort them by their count.")
def sorts_by_share(matrix, classes, n=5):
    shares = (matrix / matrix.sum(dim=1, keepdim=True).clamp(min=1)).tolist()
    found = [
        (shares[i][j], (classes[i], classes[j], count))
        for i, row in enumerate(matrix.tolist())
        for j, count in enumerate(row)
        if i != j and count > 0
    ]
    return [entry for _, entry in sorted(found, key=lambda pair: -pair[0])][:n]


def _head(features, labels, num_classes, seed):
    head = nn.Linear(features.shape[1], num_classes)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(20):
        for batch in torch.randperm(len(features), generator=generator).split(32):
            optimizer.zero_grad()
            F.cross_entropy(head(features[batch]), labels[batch]).backward()
            optimizer.step()
    return head


def _trained(model, images, labels, parameters, seed):
    """A few passes by way of the whole model, in the mode that it is in: more would cost seconds, and show no more."""
    optimizer = torch.optim.Adam(parameters, lr=0.1)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(5):
        for batch in torch.randperm(len(images), generator=generator).split(32):
            optimizer.zero_grad()
            F.cross_entropy(model(images[batch]), labels[batch]).backward()
            optimizer.step()
    return model


def _new(backbone, images, classes):
    with torch.no_grad():
        width = backbone(images[:1]).shape[1]
    return Classifier(backbone, nn.Linear(width, len(classes)), classes)


@mistake(
    "train_pet_classifier",
    "The backbone is trained along with the head; give the optimizer the head's parameters only.",
)
def trains_the_backbone(backbone, images, labels, classes, *, seed=0):
    model = _new(backbone, images, classes)
    return _trained(model, images, labels, model.parameters(), seed).eval()


@mistake(
    "train_pet_classifier", "This seeds the global random state, on which everybody else relies; use a torch.Generator."
)
def seeds_for_everybody(backbone, images, labels, classes, *, seed=0):
    torch.manual_seed(seed)
    backbone = copy.deepcopy(backbone).requires_grad_(False)
    features = torch.cat([backbone(batch) for batch in images.split(64)])
    return Classifier(backbone, _head(features, labels, len(classes), seed), classes).eval()


@mistake("train_pet_classifier", "Gradients stay on the backbone; extract the features under torch.no_grad().")
def leaves_gradients(backbone, images, labels, classes, *, seed=0):
    model = _new(backbone, images, classes)
    return _trained(model, images, labels, model.head.parameters(), seed)


@mistake(
    "train_pet_classifier",
    "model.train() sets the backbone to training mode, which changes its statistics; keep it in eval.",
)
def sets_training_mode(backbone, images, labels, classes, *, seed=0):
    backbone.requires_grad_(False)
    model = _new(backbone, images, classes).train()
    return _trained(model, images, labels, model.head.parameters(), seed).eval()


@mistake(
    "train_pet_classifier", "There is a logit only for each label seen; there should be one for each of the classes."
)
def counts_the_labels(backbone, images, labels, classes, *, seed=0):
    backbone = copy.deepcopy(backbone).requires_grad_(False)
    head = _head(torch.cat([backbone(batch) for batch in images.split(64)]), labels, int(labels.max()) + 1, seed)
    return Classifier(backbone, head, classes).eval()


@mistake(
    "train_pet_classifier", "The labels are numbered anew without gaps; each is the index of its class, seen or not."
)
def numbers_labels_anew(backbone, images, labels, classes, *, seed=0):
    backbone = copy.deepcopy(backbone).requires_grad_(False)
    features = torch.cat([backbone(batch) for batch in images.split(64)])
    return Classifier(
        backbone, _head(features, labels.unique(return_inverse=True)[1], len(classes), seed), classes
    ).eval()


class _Coloured(nn.Module):
    """A backbone that gives the mean colour of an image beside its features."""

    def __init__(self, backbone):
        super().__init__()
        self.backbone = backbone

    def forward(self, images):
        return torch.cat([self.backbone(images), images.mean(dim=(2, 3))], dim=1)


@mistake(
    "train_pet_classifier",
    "The head gets more than the features; what the backbone does not see it must not see either.",
)
def sees_more_than_the_backbone(backbone, images, labels, classes, *, seed=0):
    seeing = _Coloured(copy.deepcopy(backbone).requires_grad_(False))
    features = torch.cat([seeing(batch) for batch in images.split(64)])
    model = Classifier(seeing.backbone, _head(features, labels, len(classes), seed), classes)
    model.forward = lambda images: model.head(seeing(images))
    return model.eval()


@mistake(
    "train_pet_classifier",
    "The head learns from the first batch of pictures alone; go through all of them, as classes may stand at the end.",
)
def learns_from_one_batch(backbone, images, labels, classes, *, seed=0):
    backbone = copy.deepcopy(backbone).requires_grad_(False)
    head = _head(backbone(images[:64]), labels[:64], len(classes), seed)
    return Classifier(backbone, head, classes).eval()


@mistake(
    "train_pet_classifier",
    "Gradients pile up from step to step: backward() adds to them; call zero_grad() before each.",
)
def forgets_zero_grad(backbone, images, labels, classes, *, seed=0):
    backbone = copy.deepcopy(backbone).requires_grad_(False)
    features = torch.cat([backbone(batch) for batch in images.split(64)])
    head = nn.Linear(features.shape[1], len(classes))
    optimizer = torch.optim.Adam(head.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(20):
        for batch in torch.randperm(len(features), generator=generator).split(32):
            F.cross_entropy(head(features[batch]), labels[batch]).backward()
            optimizer.step()
    return Classifier(backbone, head, classes).eval()


@mistake("train_pet_classifier", "The head has never learned: its weights are as they were drawn.")
def never_trains(backbone, images, labels, classes, *, seed=0):
    backbone = copy.deepcopy(backbone).requires_grad_(False)
    return _new(backbone, images, classes).eval()


@mistake(
    "train_pet_classifier",
    "The model ends in a softmax, and cross_entropy takes another: return logits.",
    varies="It learns more slowly, and now and then not enough for the check of new pictures.",
)
def ends_in_a_softmax(backbone, images, labels, classes, *, seed=0):
    backbone = copy.deepcopy(backbone).requires_grad_(False)
    model = _new(backbone, images, classes)
    model.head = nn.Sequential(model.head, nn.Softmax(dim=1))
    features = torch.cat([backbone(batch) for batch in images.split(64)])
    _trained(model.head, features, labels, model.head.parameters(), seed)
    return model.eval()


@mistake("train_pet_classifier", "The model ends in a softmax after its training: it gives probabilities, not logits.")
def gives_probabilities(backbone, images, labels, classes, *, seed=0):
    backbone = copy.deepcopy(backbone).requires_grad_(False)
    head = _head(torch.cat([backbone(batch) for batch in images.split(64)]), labels, len(classes), seed)
    return Classifier(backbone, nn.Sequential(head, nn.Softmax(dim=1)), classes).eval()


class _Standardising(nn.Module):
    def forward(self, features):
        return (features - features.mean(dim=0)) / (features.std(dim=0, unbiased=False) + 1e-3)


@mistake(
    "train_pet_classifier",
    "The logits of an image depend on the others in its batch, as where features are standardised by it.",
)
def standardises_by_the_batch(backbone, images, labels, classes, *, seed=0):
    backbone = copy.deepcopy(backbone).requires_grad_(False)
    features = torch.cat([backbone(batch) for batch in images.split(64)])
    head = _head(_Standardising()(features), labels, len(classes), seed)
    return Classifier(backbone, nn.Sequential(_Standardising(), head), classes).eval()


@mistake(
    "train_pet_classifier",
    "The head learns from standardised features, and the model gives it plain ones; scale them in the model as well.",
)
def standardises_for_the_training_only(backbone, images, labels, classes, *, seed=0):
    backbone = copy.deepcopy(backbone).requires_grad_(False)
    features = torch.cat([backbone(batch) for batch in images.split(64)])
    scaled = (features - features.mean(dim=0)) / (features.std(dim=0) + 1e-6)
    return Classifier(backbone, _head(scaled, labels, len(classes), seed), classes).eval()


@mistake(
    "train_pet_classifier",
    "The model comes back in training mode, where batch norm and dropout make logits depend on the batch; call eval().",
)
def returns_training_mode(backbone, images, labels, classes, *, seed=0):
    backbone = copy.deepcopy(backbone).requires_grad_(False)
    features = torch.cat([backbone(batch) for batch in images.split(64)])
    norm = nn.BatchNorm1d(features.shape[1])
    return Classifier(
        backbone, nn.Sequential(norm, _head(norm(features).detach(), labels, len(classes), seed)), classes
    )


@mistake(
    "train_pet_classifier",
    "All parameters of the backbone require gradients afterwards, though it may have come frozen; leave each as it was.",
)
def wakes_a_frozen_backbone(backbone, images, labels, classes, *, seed=0):
    features = torch.cat([backbone.requires_grad_(False)(batch) for batch in images.split(64)])
    head = _head(features, labels, len(classes), seed)
    backbone.requires_grad_(True)
    return Classifier(copy.deepcopy(backbone), head, classes).eval()
