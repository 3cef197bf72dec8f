"""What your classifier takes each of the 37 breeds for."""

import torch

import data
from data.drawing import matrix, sheet


def draw(student):
    root = data.pets_root()
    images, labels, classes = student.load_pets(root, "trainval")
    others, truth, _ = student.load_pets(root, "test")
    model = student.train_pet_classifier(data.load_backbone("tiny"), images, labels, classes)
    logits = torch.cat([model(batch).detach() for batch in others.split(64)])
    counts = student.confusion_matrix(logits.argmax(dim=1), truth, len(classes))
    right = [student.top_k_accuracy(logits, truth, k) for k in (1, 3)]
    confused = ", ".join(f"{a} -> {b} ({n})" for a, b, n in student.most_confused(counts, classes, 2))
    caption = f"{right[0]:.0%} right, {right[1]:.0%} among the first three. Most often: {confused}"
    chart = matrix(counts, classes)
    name = "rows are what it is, columns what it was taken for"
    return sheet(
        "Your classifier and 37 breeds", [(name, [(chart, caption)])]
    ), "The confusion matrix of your classifier."
