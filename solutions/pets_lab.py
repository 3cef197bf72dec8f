"""Pets lab: 37 breeds, from a folder of files to a classifier.

The Oxford-IIIT Pets have 37 breeds, 12 of cats and 25 of dogs, although course texts often say 35. Real data has
troubles that no diagram of a pipeline shows: labels that stand in file names, files that cannot be read, classes with
few pictures. This lab goes the whole way, on the real collection or on its drawn miniature (`data.pets_root()`), which
has the same layout.

Images are float32 batches of shape (N, 3, H, W) with pixels in [0, 1]; labels are int64 of shape (N,).

Each function leaves PyTorch as it found it: gradients are switched on, and the global random state has not been seeded.
"""

import copy
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torchvision.datasets import OxfordIIITPet
from torchvision.transforms import CenterCrop, Compose, Resize, ToTensor

from data import Classifier


def breed_of(filename: str) -> str:
    """Read the breed from a picture's file name.

    `"images/yorkshire_terrier_12.jpg"` gives `"yorkshire_terrier"`: a name is the breed, an underscore and a number.

    Args:
        filename: the path of a picture, in any folder or none, with one suffix, whatever it is.

    Returns:
        The breed, a string, as it is spelled in the file name.

    Raises:
        ValueError: the name before the suffix does not end in an underscore and a number; the message names `filename`.
    """
    # TODO: Take the folder, the suffix and the number away, and refuse a name without a number.
    ### BEGIN SOLUTION
    # Breeds have underscores too, so only the last part may be taken for the number.
    match = re.fullmatch(r"(.+)_[0-9]+", PurePosixPath(filename).stem)
    if match is None:
        raise ValueError(f"filename {filename!r} does not end in an underscore and a number")
    return match[1]
    ### END SOLUTION


def species_of(filename: str) -> str:
    """Tell cats from dogs by the file name.

    In this data set the breed of a cat starts with a capital letter (`Bombay_7.jpg`), that of a dog with a small one.

    Args:
        filename: the path of a picture, as for `breed_of`.

    Returns:
        `"cat"` or `"dog"`, a string.
    """
    # TODO: Look at the first letter of the breed.
    ### BEGIN SOLUTION
    return "cat" if breed_of(filename)[0].isupper() else "dog"
    ### END SOLUTION


def readable_images(folder: Path) -> list[Path]:
    """Find the pictures in a folder that can be decoded from the first byte to the last.

    Folders that people have collected hold pictures cut short by a broken download, empty files, and files that are no
    pictures at all; one of them stops a training run hours after it began. A suffix proves nothing either way.

    Args:
        folder: where to look; folders inside it are not searched.

    Returns:
        The paths of the readable pictures, a list sorted by name. No file is deleted.
    """
    # TODO: List the files that Pillow can decode completely.
    ### BEGIN SOLUTION
    return sorted(path for path in Path(folder).iterdir() if _is_readable(path))
    ### END SOLUTION


def load_pets(root: Path, split: str, size: int = 64) -> tuple[Tensor, Tensor, list[str]]:
    """Load a split of the Oxford-IIIT Pets into memory.

    Each picture becomes RGB; its shorter side is resized to `size` (bilinear, antialiased) and the middle cut out, as
    torchvision's `Resize` and `CenterCrop` do.

    Args:
        root: the folder to give `torchvision.datasets.OxfordIIITPet` as `root`; it holds the folder `oxford-iiit-pet`.
        split: `"trainval"` or `"test"`.
        size: height and width of the images.

    Returns:
        Images, shape (N, 3, size, size), float32 in [0, 1]; labels, shape (N,), int64, indices into the names; and the
        class names as torchvision's `classes` has them. Pictures are in the split's own order.

    Raises:
        ValueError: `split` is another word; the message names `split`.
        FileNotFoundError: the data is not there; the message says how to get it.
    """
    # TODO: Check split and folder, then stack what torchvision's data set gives with a transform.
    ### BEGIN SOLUTION
    if split not in ("trainval", "test"):
        raise ValueError(f"split must be 'trainval' or 'test', not {split!r}")
    if not (Path(root) / "oxford-iiit-pet" / "annotations" / f"{split}.txt").is_file():
        raise FileNotFoundError(
            f"there are no pets in {root}: use data.pets_root(), or download the collection with"
            " torchvision.datasets.OxfordIIITPet(root, download=True)"
        )
    prepare = Compose([Resize(size), CenterCrop(size), ToTensor()])
    pets = OxfordIIITPet(root, split, transform=prepare)
    images, labels = zip(*pets, strict=True)
    return torch.stack(images), torch.tensor(labels), list(pets.classes)
    ### END SOLUTION


def stratified_split(labels: Tensor, fraction: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Put a part of each class aside for validation.

    A random split of all pictures together can leave a small class without a single one on one side.

    Args:
        labels: the class of each picture, shape (N,).
        fraction: the share of each class that goes to validation, more than 0 and less than 1; in each class the number
            of pictures may be off by one.
        seed: decides which pictures go where; the same seed gives the same split, and the global random state is left
            alone.

    Returns:
        Indices of the pictures to train on, shape (T,), and of those to validate on, shape (V,), both int64: each
        picture is in exactly one of the two. A class of two or more is on both sides; a class of one is for training.

    Raises:
        ValueError: `0 < fraction < 1` does not hold; the message names `fraction`.
    """
    # TODO: Shuffle the indices of each class with a generator of the seed, and cut each class in two.
    ### BEGIN SOLUTION
    if not 0 < fraction < 1:
        raise ValueError(f"fraction must be between 0 and 1, both excluded, not {fraction}")
    generator = torch.Generator().manual_seed(seed)
    train, valid = [], []
    for label in labels.unique():
        members = (labels == label).nonzero().flatten()
        members = members[torch.randperm(len(members), generator=generator)]
        # At least one on each side; where there is only one, the upper bound of 0 wins.
        count = min(max(round(fraction * len(members)), 1), len(members) - 1)
        valid.append(members[:count])
        train.append(members[count:])
    return _shuffled(torch.cat(train), generator), _shuffled(torch.cat(valid), generator)
    ### END SOLUTION


def top_k_accuracy(logits: Tensor, labels: Tensor, k: int) -> float:
    """Count an answer as right if the true class is among the k most likely.

    Where two of the 37 breeds differ by the shape of an ear alone, the second guess is worth something too.

    Args:
        logits: shape (N, K).
        labels: the true classes, shape (N,).
        k: how many guesses the network has; 1 gives the accuracy, K gives 1.

    Returns:
        The share of pictures with the true class among the `k` largest logits: a Python float in [0, 1].

    Raises:
        ValueError: `1 <= k <= K` does not hold; the message names `k`.
    """
    # TODO: Check k, and look for each label among the k largest logits of its row.
    ### BEGIN SOLUTION
    if not 1 <= k <= logits.shape[1]:
        raise ValueError(f"k must be between 1 and the {logits.shape[1]} classes, not {k}")
    guesses = logits.topk(k, dim=1).indices
    return (guesses == labels[:, None]).any(dim=1).float().mean().item()
    ### END SOLUTION


def confusion_matrix(predictions: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """Count, for each true class, how many of its pictures were taken for each class.

    Args:
        predictions: the predicted classes, shape (N,), int64.
        labels: the true classes, shape (N,).
        num_classes: K, the number of classes, whether or not each of them occurs.

    Returns:
        Shape (K, K), int64: the entry in row i and column j counts the pictures of class i that were taken for class j.
    """
    # TODO: Count each pair of true and predicted class.
    ### BEGIN SOLUTION
    # matrix[labels, predictions] += 1 would count a pair once, however often it occurs.
    pairs = labels * num_classes + predictions
    return torch.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)
    ### END SOLUTION


def most_confused(matrix: Tensor, classes: Sequence[str], n: int = 5) -> list[tuple[str, str, int]]:
    """List the confusions that happen most often.

    Args:
        matrix: a confusion matrix as above, shape (K, K); row i is the true class i.
        classes: the K class names.
        n: how many confusions at most.

    Returns:
        `(true, predicted, count)` for the largest entries off the diagonal, largest first. Of equal ones, the earlier
        true class comes first, and then the earlier predicted class. Entries of 0 are left out.
    """
    # TODO: Collect the entries off the diagonal that are not 0, and sort them by their count.
    ### BEGIN SOLUTION
    confusions = [
        (classes[i], classes[j], count)
        for i, row in enumerate(matrix.tolist())
        for j, count in enumerate(row)
        if i != j and count > 0
    ]
    # Sorting is stable, so that equal counts stay in class order.
    return sorted(confusions, key=lambda confusion: -confusion[2])[:n]
    ### END SOLUTION


def train_pet_classifier(
    backbone: nn.Module, images: Tensor, labels: Tensor, classes: Sequence[str], *, seed: int = 0
) -> nn.Module:
    """Turn a backbone into a classifier, by training a linear head on its frozen features.

    The checks judge the model on pictures that it never saw. If the backbone tells the classes apart, the model has to
    be right on at least 0.9 of them. On ten breeds and with `tiny`, the share that is right has to be at least 0.3
    higher than by guessing, and 0.15 higher than with an untrained backbone. Any head on the features and any way to
    train it will do, but the head may use nothing of the images except the backbone's features.

    Args:
        backbone: maps images to features, shape (N, D); in eval mode. Its weights, statistics and modes stay as they
            are, and no gradients are left on it. It may be frozen already, and then stays so; you may freeze it.
        images: the pictures to learn from, shape (N, 3, H, W), in [0, 1].
        labels: their classes, shape (N,), indices into `classes`.
        classes: the K class names, whether or not each of them occurs in `labels`.
        seed: for the order in which the pictures are seen, if you shuffle them.

    Returns:
        A model that maps images to logits of shape (N, K), the same for an image alone as among others, with
        `.backbone`, `.head` and `.classes`. The backbone in it is the one given or a copy, with the same weights
        and statistics. `Classifier(backbone, head, classes)`, which is imported from `data` above, puts the three
        together.
    """
    # TODO: Extract the features once, train a linear head on them, and put backbone and head together.
    ### BEGIN SOLUTION
    # A copy may be frozen and kept, whatever happens to the original later.
    backbone = copy.deepcopy(backbone).requires_grad_(False)
    # The backbone never changes, so that its features need computing only once, not once an epoch.
    features = torch.cat([backbone(batch) for batch in images.split(64)])
    head = nn.Linear(features.shape[1], len(classes)).to(features.device)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.01)
    generator = torch.Generator().manual_seed(seed)
    for _ in range(20):
        for batch in torch.randperm(len(features), generator=generator).split(32):
            loss = F.cross_entropy(head(features[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return Classifier(backbone, head, classes).eval()
    ### END SOLUTION


### BEGIN SOLUTION
def _is_readable(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            image.load()  # open() reads no further than the header
    except Exception:  # a broken file makes Pillow's decoders raise almost anything, and a folder is no file
        return False
    return True


def _shuffled(indices: Tensor, generator: torch.Generator) -> Tensor:
    return indices[torch.randperm(len(indices), generator=generator)]


### END SOLUTION
