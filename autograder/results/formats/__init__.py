"""Pure functions from marks to text. They compute nothing: what stands in a form was found out by grading, or by `mark`."""
