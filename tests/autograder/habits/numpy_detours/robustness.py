import numpy as np
import pandas as pd
import scipy.special
import torch
from sklearn.metrics import accuracy_score


def transfer_rates(images, targets, models):
    if len(images) == 0 or len(images) != len(targets):
        raise ValueError(f"images and targets: {len(images)} and {len(targets)}")
    rates = {}
    for name, model in models.items():
        with torch.no_grad():
            logits = model(images).cpu().numpy()
        rates[name] = np.mean(np.argmax(logits, axis=1) == targets.numpy())
    return rates


def table(rates):
    return pd.DataFrame(rates.items())


def ensemble_logits(models, images):
    models = np.array(list(models), dtype=object).tolist()
    if not len(models):
        raise ValueError("models is empty")
    logs = [torch.log_softmax(model(images), -1) for model in models]
    if np.unique([log.shape[-1] for log in logs]).size > 1:
        raise ValueError("models differ in their classes")
    return torch.logsumexp(torch.stack(logs), 0) - float(np.log(len(logs)))
