"""Find the sentences in Python code: its strings of words, and its f-strings as templates.

`f"gives no answer to {question}"` becomes `gives no answer to {question}`. Placeholders that stand side by side become one.
"""

import ast
import re
from collections.abc import Iterator

#: Two words after each other, or a word beside a value.
_WORDS = re.compile(r"[A-Za-z][a-z']+,? \(?[a-z'{]{2,}|[\]})'] [a-z]{2,}")
#: Functions of `autograder.messages` whose first argument is shown in the reader's language.
SHOWN = ("tr", "tr_plural")
_NO_PROSE = re.compile(r"^[\w.]+$|^https?://")


def sentences(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the template of each sentence in some code; docstrings and decorators have none."""
    yield from dict.fromkeys(_walk(ast.parse(source)))


def _walk(node: ast.AST) -> Iterator[tuple[int, str]]:
    if isinstance(node, ast.JoinedStr):
        text = template(node)
        if _WORDS.search(text) or re.search(r"(?:^| )[a-z]{2,} \{|\} [a-z]{2,}", text):
            yield node.lineno, text
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                yield from _walk(part.value)
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        if _WORDS.search(node.value) and not _NO_PROSE.search(node.value):
            yield node.lineno, node.value.replace("{", "{{").replace("}", "}}")
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SHOWN:
        yield from ((node.lineno, text) for text in _shown(node))
        for child in (*node.args[1:], *(each.value for each in node.keywords)):
            yield from _walk(child) if not isinstance(child, ast.Constant) else ()
        return
    body = getattr(node, "body", None)
    decorators = getattr(node, "decorator_list", ())
    for child in ast.iter_child_nodes(node):
        docstring = isinstance(body, list) and body[:1] == [child] and isinstance(child, ast.Expr)
        if child not in decorators and not (docstring and isinstance(child.value, ast.Constant)):
            yield from _walk(child)


def _shown(call: ast.Call) -> Iterator[str]:
    """Yield the texts that a call of `tr` shows: constants, as they stand."""
    for each in ast.walk(call.args[0]) if call.func.id == "tr" else ():
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def template(node: ast.JoinedStr) -> str:
    """Return the template of an f-string, with a name for each value."""
    text, names, joined = "", [], False
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            if joined:
                continue  # what follows a value at once belongs to it
            name = _name(part.value)
            count = sum(known.rstrip("0123456789") == name for known in names)
            names.append(f"{name}{count + 1}" if count else name)
            text += "{" + names[-1] + "}"
        elif isinstance(part, ast.Constant):
            text += str(part.value).replace("{", "{{").replace("}", "}}")
        joined = isinstance(part, ast.FormattedValue)
    return text


def _name(node: ast.expr) -> str:
    """Return a name for the value of an expression: the last that is said of it."""
    match node:
        case ast.Name(id=name):
            found = name
        case ast.Attribute(attr=name):
            found = name
        case ast.Call(func=ast.Name(id="len")):
            found = "count"
        case ast.Call(args=[first, *_]):
            found = _name(first)
        case ast.Call(func=function):
            found = _name(function)
        case ast.Subscript(value=value) | ast.GeneratorExp(elt=value) | ast.BinOp(left=value) | ast.IfExp(body=value):
            found = _name(value)
        case _:
            found = "value"
    return found.strip("_").lower().rstrip("0123456789") or "value"
