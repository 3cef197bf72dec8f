"""Quiz: before and after the lecture.

Six questions to think about before the lecture, six to see afterwards what has stayed. They stand in the docstring of
`answers`: read it with `help(quiz.answers)`, or right here.
"""


def answers() -> dict[str, str]:
    """Answer each question with the letter of the best answer.

    For example `{"pre_1": "a", "pre_2": "d"}` answers the first two questions (the letters are made up). Each part
    counts on its own, so that the second can wait until after the lecture. A right answer is worth a point, and a part
    with at least four right answers half a point more; a part with fewer is worth nothing, as so many can be guessed.

    Before the lecture
    ------------------

    pre_1. You have 1,000 labelled photos of pets, and a network trained on a million other photos. What does transfer
    learning do with it?
        a) It adds the million photos to yours and trains a new network on all of them.
        b) It keeps what the network has learnt to see, and trains a new classifier on top of it.
        c) It lets the network label your photos, and compares its labels with yours.
        d) It makes the network smaller until it fits 1,000 photos.

    pre_2. What do the first layers of a network that was trained on photos mostly respond to?
        a) Whole objects, such as dogs and cars.
        b) The names of the classes.
        c) The mean brightness of the picture, and nothing else.
        d) Edges, colours and simple textures.

    pre_3. "Freezing" a backbone means that
        a) its weights get no updates while the head is trained.
        b) its outputs are rounded to fewer digits.
        c) it is kept on disk in place of memory.
        d) its input is always the same picture.

    pre_4. Why is part of the data held back for validation?
        a) To make each epoch shorter.
        b) To have more data for the last epoch.
        c) To see how well the network does on pictures that it has not learnt from.
        d) To balance the number of pictures in each class.

    pre_5. An adversarial image is
        a) a picture that is too dark or too blurred to be recognised.
        b) a picture whose label in the training set is wrong.
        c) a picture made by another network.
        d) a picture changed, often invisibly, so that a network answers wrongly.

    pre_6. For which task would you expect features learnt from everyday photos to help least?
        a) Telling breeds of dogs apart.
        b) Reading the class of a signal from its spectrogram.
        c) Telling cars from lorries in photos.
        d) Telling kinds of flowers apart.

    After the lecture
    -----------------

    post_1. You train a new head on the frozen backbone. In which mode does the backbone belong, and why?
        a) In eval mode, so that batch norm uses its running statistics and leaves them as they are.
        b) In training mode, because something is being trained.
        c) In training mode, because dropout makes features more exact.
        d) The mode makes no difference once gradients are switched off.

    post_2. Training loss falls, validation loss has risen for ten epochs. What is the most sensible thing to do?
        a) To train on until both fall.
        b) To raise the learning rate.
        c) To stop, and go back to the weights with the best validation loss.
        d) To add the validation set to the training set.

    post_3. To make an ideal image of a zebra, gradient descent changes
        a) the weights of the head.
        b) the pixels of the picture.
        c) the weights of the backbone.
        d) the labels of the pictures.

    post_4. What is the variation loss for, when an ideal image is made?
        a) It makes the network surer of the class.
        b) It keeps pixels between 0 and 1.
        c) It makes the picture different for every seed.
        d) It holds back the noise between neighbouring pixels, so that shapes can appear.

    post_5. Projected gradient descent with epsilon = 8/255, after each of its steps, makes sure that
        a) every pixel is within 8/255 of the pixel of the image before this step.
        b) the changes of all pixels add up to 8/255 at most.
        c) every pixel is within 8/255 of the pixel of the original image.
        d) the loss has changed by 8/255 at most.

    post_6. A targeted attack differs from an untargeted one in that
        a) it lowers the loss towards a class of the attacker's choice.
        b) it may change only part of the picture.
        c) it needs no gradients.
        d) it raises the loss of the true class in larger steps.

    Returns:
        A dict from the name of a question ("pre_1" to "pre_6", "post_1" to "post_6") to a letter, "a" to "d"; capital letters
        count as well. One and the same letter for six questions or more counts as no answer.
    """
    # TODO: Return a letter for each question that you can answer.
    ### BEGIN SOLUTION
    return {
        "pre_1": "b",
        "pre_2": "d",
        "pre_3": "a",
        "pre_4": "c",
        "pre_5": "d",
        "pre_6": "b",
        "post_1": "a",
        "post_2": "c",
        "post_3": "b",
        "post_4": "d",
        "post_5": "c",
        "post_6": "a",
    }
    ### END SOLUTION
