"""Shortcuts in feature_extraction: each is made to please the checks, and none does what the function is for."""

from autograder.diagnose import mistake


@mistake("freeze", "The model comes back as it is; nothing has been done to it.")
def does_nothing(model):
    return model


@mistake("freeze", "The model only looks frozen: its parts are told to say so, and go on learning as they did.")
def says_that_it_is_frozen(model):
    for module in model.modules():
        module.__dict__["frozen"] = True
    return model
