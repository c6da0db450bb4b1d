"""What every key of a definition means, in a line: shown by editors, and wherever keys are explained.

A kind of step explains its own keys, see ``key_texts`` of :class:`~drawer_ipy.definition.step_base.StepBase`.
"""

from __future__ import annotations

from collections.abc import Mapping

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
    "inputs": "What a press hands over: names, or names with types and defaults.",
    "flow": "The stages of a flow drawer; stored, not run here.",
    "on_error": "The drawer to press when this one fails.",
    "with": "Further inputs for that drawer; text may hold references.",
    "output_schema": "JSON Schema of the output.",
    "return": "What a drawer that presses this one gets as its output.",
    "triggers": "How it is started from outside; stored, not served here.",
    "buttons": "Buttons defined in place, by name.",
    "created_at": "When it was made.",
    "updated_at": "When it was last changed.",
    # of inputs and arguments
    "type": "What values it takes.",
    "required": "Whether it must be given.",
    "values": "The words that an `enum` takes.",
    "secret": "Whether its value is kept out of outputs, logs and files.",
    "default": "Its value when none is given.",
    # of buttons
    "ButtonSpec.args": "The arguments it takes: names, or names with types.",
    "ButtonSpec.timeout_seconds": "Most seconds one attempt may take; 0 or nothing for the default.",
    "TokenPress.args": "Arguments by name; text may hold references such as `${inputs.url}`.",
    "ButtonSpec.kind": "Kept as it is.",
    "runtime": "What runs `code`: sh, bash, python, node; or `prompt`.",
    "env": "Environment variables of the script.",
    "url": "Address of a request; `{{name}}` stands for an argument.",
    "method": "HTTP method; GET when left out.",
    "headers": "HTTP headers.",
    "body": "Body of the request; `{{name}}` stands for an argument.",
    "max_response_bytes": "Most bytes of a response or a script's output; more is an error. Default: 10 MB.",
    "output": "`body` (the default), `text`, or `full`: status, url, headers, elapsed; text, json or bytes.",
    "save": "File to put the body into, `pages/{{id}}.html`; the output is its path.",
    "retries": "Further tries after 429, and of what can do nothing twice after 5xx or a broken connection.",
    "per_host": "Most requests at once at one host; 0 for any number.",
    "cookies": "Whether cookies are kept for the run and sent back.",
    "robots": "Whether robots.txt is obeyed.",
    "proxy": "Proxy to go through, or none; may refer to batteries and env. The environment's when left out.",
    "verify": "Whether certificates are checked, or a PEM file with the authorities that count.",
    "connect_timeout_seconds": "Most seconds until there is a connection.",
    "read_timeout_seconds": "Most seconds between two pieces of an answer.",
    "allow_private_networks": "Whether private and local addresses may be requested.",
    "allowed_host": "The one host it may request.",
    "queue": "The pool of slots it shares with whatever names the same queue.",
    "Queue.name": "Name of the pool; its own when left out.",
    "concurrency": "How many slots the pool has; 0 for no bound.",
    "key": "An argument, or text with `{{argument}}` in it, each value of which has a pool of its own.",
    "extract": "What to take from the page: names, each with a selector such as `css:h1::text`.",
    "namespaces": "Prefixes for the selectors and their namespaces, beside those that pages declare.",
    "decimal": "The decimal sign of numbers on the pages, `,` or `.`; or a language such as `de`.",
    "sitemap": "`true`: the output is the addresses of a site map and all its parts; `full`: with details.",
    "meta_refresh": "Whether a page's `<meta http-equiv=refresh>` is followed like a redirect.",
    "follow": "What gives the next page: a field, a selector, `json:PATH`, `link`, or a mapping.",
    "ButtonSpec.query": "Query parameters by name: lists repeat the name, null leaves it out.",
    "files": "Files to upload by field: paths, or `{path, name, type}`; sent as multipart/form-data.",
    "body_file": "File whose bytes are the body of the request; read while it is sent.",
    "ButtonSpec.auth": "Who sends it: `basic`, `digest`, `bearer`, or the `token` that a button gives.",
    "basic": 'User and password: `[me, "${batteries.PASSWORD}"]`.',
    "digest": "User and password, of which the server is only told a digest.",
    "bearer": "The token to send.",
    "token": "The button that gives the token; pressed once for all, and again after a 401.",
    "TokenPress.button": "The button whose output is the token, or `{access_token, expires_in}`.",
    "ok_status": "Further statuses that are no failure: 404, `4xx`, `400-499`, `any`, or a list.",
    "items": "Where an answer's items are: `json:data`; those of all pages make one list.",
    "cursor": "Where an answer says what comes next: `json:meta.next`, or `header:NAME`.",
    "into": "The argument, query parameter or field of the body that takes the cursor.",
    "page": "The parameter that counts the pages, until one has no items.",
    "offset": "The parameter that counts the items, until there are no more.",
    "start": "The first page or offset; 1 or 0 when left out.",
    "by": "How much is added for each page; 1, or the number of its items, when left out.",
    "stdin": "What the script reads: text, bytes, or a value that is written as JSON.",
    "max_pages": "Most pages that are followed; 1,000 when left out.",
    "cache": "How long results are used again instead of pressing: `10m`, `1h`, `7d`, `forever`.",
    "code": "Text of the script.",
    "prompt": "Text of the prompt.",
    "tags": "Words to find it by.",
    # of triggers
    "Trigger.kind": "`webhook`; others are reserved.",
    "path": "Path of the webhook, from `/` on.",
    "auth": "How a caller shows who it is.",
}


def key_text(model: type[Model], key: str) -> str:
    """What `key` of `model` means, ``""`` when it has no description."""
    for owner in model.__mro__:
        own: Mapping[str, str] = owner.__dict__.get("key_texts", {})
        if key in own:
            return own[key]
    return KEY_TEXTS.get(f"{model.__name__}.{key}") or KEY_TEXTS.get(key, "")
