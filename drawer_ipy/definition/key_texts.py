"""The description of every key of a definition, in one line, shown by editors and in help.

A step kind describes its own keys, see ``key_texts`` of :class:`~drawer_ipy.definition.step_base.StepBase`.
"""

from __future__ import annotations

from collections.abc import Mapping

from drawer_ipy.definition.backends import KEY_TEXT as KEY_TEXT_OF_BACKEND
from drawer_ipy.definition.model_base import Model
from drawer_ipy.definition.rates import KEY_TEXT

KEY_TEXTS: Mapping[str, str] = {
    "rate": KEY_TEXT,
    "steps": "The steps, in order.",
    # of drawers
    "OnError.drawer": "Name of the drawer to press.",
    "schema_version": "Version of the format: 1 or 2.",
    "drawer_kind": "`action` for a workflow of steps.",
    "name": "Its name.",
    "description": "What it is for.",
    "version": "Version of the drawer itself.",
    "inputs": "The inputs of a press: names, or names with types and defaults.",
    "flow": "The stages of a flow drawer; stored, not run here.",
    "on_error": "The drawer to press when this one fails.",
    "with": "Further inputs for that drawer; text may contain references.",
    "output_schema": "JSON Schema of the output.",
    "return": "The output that a drawer which presses this one receives.",
    "triggers": "How it is started from outside; stored, not served here.",
    "buttons": "Buttons defined in place, by name.",
    "created_at": "When it was made.",
    "updated_at": "When it was last changed.",
    # of inputs and arguments
    "type": "The type of its value.",
    "required": "Whether it must be given.",
    "values": "The allowed values of an `enum`.",
    "secret": "Whether its value is kept out of outputs, logs and files.",
    "default": "Its value if none is given.",
    # of buttons
    "ButtonSpec.args": "Its arguments: names, or names with types.",
    "ButtonSpec.timeout_seconds": "Most seconds of one attempt; 0 or nothing for the default.",
    "TokenPress.args": "Arguments by name; text may contain references such as `${inputs.url}`.",
    "ButtonSpec.kind": "Kept, but not used.",
    "runtime": "The program that runs `code`: sh, bash, python, node; or `prompt`.",
    "env": "Environment variables of the script.",
    "url": "URL of the request; `{{name}}` is replaced by an argument.",
    "method": "HTTP method. Default: GET.",
    "headers": "HTTP headers.",
    "body": "Body of the request; `{{name}}` is replaced by an argument.",
    "max_response_bytes": "Most bytes of a response or a script's output; more is an error. Default: 10 MB.",
    "output": "`body` (the default), `text`, or `full`: status, url, headers, elapsed; text, json or bytes.",
    "save": "File for the body, `pages/{{id}}.html`; the output is its path.",
    "retries": "Retries after 429, and for repeatable requests after 5xx or a broken connection.",
    "per_host": "Most concurrent requests to one host; 0 for no limit.",
    "cookies": "Whether cookies are kept for the run and sent back.",
    "robots": "Whether robots.txt is obeyed.",
    "proxy": "Proxy URL, or none; may refer to batteries. Default: the environment's.",
    "verify": "Whether certificates are checked, or a PEM file with the only trusted authorities.",
    "connect_timeout_seconds": "Most seconds to connect.",
    "read_timeout_seconds": "Most seconds between two parts of a response.",
    "allow_private_networks": "Whether private and local addresses may be requested.",
    "allowed_host": "The only host it may request.",
    "queue": "The pool of slots that it shares with all buttons that name the same queue.",
    "Queue.name": "Name of the pool. Default: a pool of its own.",
    "concurrency": "Number of slots in the pool; 0 for no limit.",
    "key": "An argument, or text with `{{argument}}` in it; each value has its own pool.",
    "extract": "What to take from the page: names, each with a selector such as `css:h1::text`.",
    "namespaces": "Prefixes for the selectors and their namespaces, in addition to those of the pages.",
    "decimal": "The decimal mark of numbers on the pages, `,` or `.`; or a language such as `de`.",
    "sitemap": "`true`: the output is all addresses of a site map and its parts; `full`: with details.",
    "meta_refresh": "Whether a page's `<meta http-equiv=refresh>` is followed like a redirect.",
    "follow": "How to find the next page: a field, a selector, `json:PATH`, `link`, or a mapping.",
    "ButtonSpec.query": "Query parameters by name: a list repeats the name, null omits it.",
    "files": "Files to upload by field: paths, or `{path, name, type}`; sent as multipart/form-data.",
    "body_file": "File whose bytes are the body of the request; read while it is sent.",
    "ButtonSpec.auth": "Authentication: `basic`, `digest`, `bearer`, or the `token` that a button returns.",
    "basic": 'User and password: `[me, "${batteries.PASSWORD}"]`.',
    "digest": "User and password, of which only a digest is sent.",
    "bearer": "The token to send.",
    "token": "The button that returns the token; pressed once for all requests, and again after a 401.",
    "TokenPress.button": "The button whose output is the token, or `{access_token, expires_in}`.",
    "ok_status": "Further status codes that count as success: 404, `4xx`, `400-499`, `any`, or a list.",
    "items": "Where a response has its items: `json:data`; the items of all pages make one list.",
    "cursor": "Where a response has the cursor of the next page: `json:meta.next`, or `header:NAME`.",
    "into": "The argument, query parameter or field of the body that receives the cursor.",
    "page": "The parameter that counts the pages, until a page has no items.",
    "offset": "The parameter that counts the items, until there are no more.",
    "start": "The first page or offset. Default: 1 or 0.",
    "by": "The increment for each page. Default: 1, or the number of its items.",
    "stdin": "The script's standard input: text, bytes, or a value that is written as JSON.",
    "ButtonSpec.backend": KEY_TEXT_OF_BACKEND,
    "max_pages": "Most pages that are followed. Default: 1,000.",
    "cache": "How long a result is reused instead of pressing again: `10m`, `1h`, `7d`, `forever`.",
    "code": "Text of the script.",
    "prompt": "Text of the prompt.",
    "tags": "Words to find it by.",
    "mcp_enabled": "Whether assistants may press it; stored, not used here.",
    "pinned": "Whether it comes first in lists; stored, not used here.",
    "requires": "What it needs; stored, not used here.",
    "requires_batteries": "The batteries that it needs; stored, not used here.",
    "serve": "How it is served; stored, not used here.",
    # of triggers
    "Trigger.kind": "`webhook`; others are reserved.",
    "path": "Path of the webhook, starting with `/`.",
    "auth": "How a caller authenticates.",
}


def key_text(model: type[Model], key: str) -> str:
    """The description of `key` of `model`, or ``""``."""
    for owner in model.__mro__:
        own: Mapping[str, str] = owner.__dict__.get("key_texts", {})
        if key in own:
            return own[key]
    return KEY_TEXTS.get(f"{model.__name__}.{key}") or KEY_TEXTS.get(key, "")
