import matplotlib.pyplot as plt
import seaborn as sns
import torch
import torchvision
from torchvision import transforms

plt.style.use("ggplot")
plt.rcParams["figure.figsize"] = (10, 6)
sns.set_theme()
print(torch.__version__, torchvision.__version__)

DEVICE = torch.device("cuda:0" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")
if DEVICE.type == "cuda":
    torch.set_default_device(DEVICE)
    print(torch.cuda.get_device_name(0))
if torch.cuda.is_available():
    torch.backends.cudnn.benchmark = True
torch.set_float32_matmul_precision("high")


def preprocess(image, size=64):
    if size <= 0:
        raise ValueError("size must be positive")
    steps = [transforms.Resize(size), transforms.CenterCrop(size), transforms.ToTensor()]
    return transforms.Compose([transforms.Lambda(lambda im: im.convert("RGB")), *steps])(image)


def normalize(images, mean, std):
    c = images.size(1)
    if len(mean) != c or len(std) != c:
        raise ValueError(f"mean and std need {c} numbers")
    if any(s <= 0 for s in std):
        raise ValueError("std must be positive")
    return transforms.Normalize(mean, std)(images)


def freeze(model):
    for parameter in model.parameters():
        parameter.requires_grad = False
    model.eval()
    return model.cuda() if torch.cuda.is_available() else model


def extract_features(backbone, images, batch_size=32):
    training = {m: m.training for m in backbone.modules()}
    backbone.to(DEVICE).eval()
    rows = []
    with torch.no_grad():
        for start in range(0, len(images), batch_size):
            rows.append(backbone(images[start : start + batch_size].to(DEVICE)).cpu())
    for m, mode in training.items():
        m.train(mode) if not list(m.children()) else setattr(m, "training", mode)
    return torch.vstack(rows)


def show_grid(images):
    fig, ax = plt.subplots()
    sns.despine(fig)
    ax.imshow(torchvision.utils.make_grid(images).permute(1, 2, 0))
    plt.show()
