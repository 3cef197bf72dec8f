"""Fill in templates: pages, whose texts are escaped, and files of other kinds. The one door to Jinja.

A package keeps its templates in its folder `templates`. A page writes a value as `{{ name }}`. Files that are no pages (shell,
YAML, make) give braces and dollars a meaning of their own, so a value is `<[ name ]>` there, and a statement `<% if name %>`.
"""

import base64
import functools
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING

from markupsafe import Markup

from autograder.results.types import points_text, storable

if TYPE_CHECKING:
    from jinja2 import Environment

_STYLE = "style.css"


def render_page(package: str, name: str, script: str = "", **values: object) -> str:
    """Return a page in HTML, with the package's style; every value is escaped.

    Args:
        package: whose template it is.
        name: the name of the template.
        script: the only one that the page may run.
        values: what the template shows, by name. One that is missing is an error.
    """
    digest = base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode()
    page = (
        _pages(package)
        .get_template(name)
        .render(
            style=Markup(template_text(package, _STYLE)),
            script=Markup(script),
            script_source=f"'sha256-{digest}'" if script else "'none'",
            **values,
        )
    )
    return storable(page)


def render_file(package: str, name: str, **values: object) -> str:
    """Return a file that is no page, from a package's template of that name; see `fill_text`."""
    return fill_text(template_text(package, name), **values)


def fill_text(text: str, **values: object) -> str:
    """Return a text that is no page, with its values filled in as they are. One that is missing is an error."""
    return _others().from_string(text).render(**values)


def template_text(package: str, name: str) -> str:
    """Return the text of a template, or of a file beside the templates, as it is."""
    return (files(package) / "templates" / name).read_text(encoding="utf-8")


@functools.cache
def _pages(package: str) -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(functools.partial(template_text, package)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["points"] = points_text
    return environment


@functools.cache
def _others() -> "Environment":
    from jinja2 import Environment, StrictUndefined

    return Environment(
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        variable_start_string="<[",
        variable_end_string="]>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
    )
