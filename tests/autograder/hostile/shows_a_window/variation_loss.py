"""Shows a window with a picture, as `plt.show()` does."""

import tkinter

tkinter.Tk().mainloop()
