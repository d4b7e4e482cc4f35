"""Renders the cases of standard input with Jinja2, in the environment that
transformers makes for chat templates: a line of JSON for each, {"want": TEXT} or
{"raises": NAME}."""

import datetime
import json
import sys

import jinja2.exceptions
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
env.filters["tojson"] = tojson
env.globals["raise_exception"] = raise_exception
env.globals["strftime_now"] = lambda form: datetime.datetime.now().strftime(form)

for case in json.load(sys.stdin):
    try:
        out = {"want": env.from_string(case["template"]).render(**case["variables"])}
    except Exception as e:
        out = {"raises": type(e).__name__}
    print(json.dumps(out))
