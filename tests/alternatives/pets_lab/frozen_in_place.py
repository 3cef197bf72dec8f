"""pets_lab with the given backbone frozen and used as it is, SGD through the whole model, and tensors throughout."""

from pathlib import Path

import torch
from PIL import Image, UnidentifiedImageError
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchvision import transforms
from torchvision.datasets import OxfordIIITPet

from data import Classifier


def breed_of(filename: str) -> str:
    parts = Path(filename).stem.split("_")
    if len(parts) < 2 or not parts[-1].isdigit():
        raise ValueError(f"filename must be <breed>_<number>, not {filename}")
    return "_".join(parts[:-1])


def species_of(filename: str) -> str:
    first = breed_of(filename)[:1]
    return "cat" if first == first.upper() else "dog"


def readable_images(folder: Path) -> list[Path]:
    good = []
    for path in folder.glob("*"):
        if not path.is_file():
            continue
        try:
            with path.open("rb") as file:
                Image.open(file).load()
            good.append(path)
        except (UnidentifiedImageError, OSError, SyntaxError):
            pass
    good.sort(key=lambda path: path.name)
    return good


def load_pets(root, split, size=64):
    if split == "trainval" or split == "test":
        if not Path(root, "oxford-iiit-pet").exists():
            raise FileNotFoundError("Set the variable OXFORD_PETS to the folder that holds oxford-iiit-pet")
        to_tensor = transforms.Compose([transforms.PILToTensor(), transforms.ConvertImageDtype(torch.float32)])
        shape = transforms.Compose([transforms.Resize(size, antialias=True), transforms.CenterCrop((size, size))])
        pets = OxfordIIITPet(root=root, split=split, transform=lambda image: shape(to_tensor(image)).clamp(0, 1))
        pairs = [pets[index] for index in range(len(pets))]
        images = torch.stack([image for image, _ in pairs])
        return images, torch.as_tensor([label for _, label in pairs]), pets.classes
    raise ValueError(f"split {split!r} is unknown")


def stratified_split(labels, fraction, seed=0):
    if not (fraction > 0 and fraction < 1):
        raise ValueError("fraction out of range")
    generator = torch.Generator()
    generator.manual_seed(seed)
    mixed = torch.randperm(labels.numel(), generator=generator)
    in_valid = torch.zeros(labels.numel(), dtype=torch.bool)
    for label in set(labels.tolist()):
        members = mixed[labels[mixed] == label]
        if len(members) > 1:
            wanted = -int(-fraction * len(members) // 1)  # rounded up
            in_valid[members[: min(wanted, len(members) - 1)]] = True
    return mixed[~in_valid[mixed]], mixed[in_valid[mixed]]


def top_k_accuracy(logits, labels, k):
    if k not in range(1, logits.shape[-1] + 1):
        raise ValueError("k is out of range")
    places = logits.argsort(dim=1, descending=True)[:, :k]
    return float(places.eq(labels.view(-1, 1)).sum() / len(labels))


def confusion_matrix(predictions, labels, num_classes):
    matrix = torch.zeros((num_classes, num_classes), dtype=torch.int64)
    matrix.index_put_((labels, predictions), torch.ones_like(labels), accumulate=True)
    return matrix


def most_confused(matrix, classes, n=5):
    off = matrix.clone()
    off.fill_diagonal_(0)
    counts, places = off.flatten().sort(descending=True, stable=True)
    size = len(classes)
    pairs = zip(counts.tolist(), places.tolist(), strict=True)
    return [(classes[place // size], classes[place % size], count) for count, place in pairs if count][:n]


def train_pet_classifier(backbone, images, labels, classes, *, seed=0):
    for parameter in backbone.parameters():
        parameter.requires_grad = False
    width = backbone(images[:1]).shape[-1]
    model = Classifier(backbone, nn.Linear(width, len(classes)), list(classes))
    loader = DataLoader(
        TensorDataset(backbone(images), labels),
        batch_size=16,
        shuffle=True,
        generator=torch.Generator().manual_seed(seed),
    )
    optimizer = torch.optim.SGD(model.head.parameters(), lr=0.05, momentum=0.9)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    for _ in range(30):
        for features, wanted in loader:
            optimizer.zero_grad()
            criterion(model.head(features), wanted).backward()
            optimizer.step()
    return model
