#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Validates the JSON lines on stdin: validate.py [--mutate] SCHEMA

Members that the schema does not describe are refused here, although it allows them for programs, because each member
must be documented. With --mutate, every line is changed in one place at a time, and the schema must refuse each
changed line; otherwise a schema that accepts everything would pass.
"""

import copy
import json
import sys

from jsonschema import Draft202012Validator


def close_objects(schema):
    """Makes every object of a schema refuse members that it does not describe."""
    if isinstance(schema, list):
        for element in schema:
            close_objects(element)
    elif isinstance(schema, dict):
        for value in list(schema.values()):
            close_objects(value)
        if schema.get("type") == "object":
            schema["unevaluatedProperties"] = False


def places(value, path=()):
    """Yields every member and element of a document, as the keys that lead to it."""
    items = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, child in items:
        yield (*path, key)
        yield from places(child, (*path, key))


def container(document, path):
    for key in path[:-1]:
        document = document[key]
    return document


def mutations(document):
    """Yields documents that are wrong in one place, each with a description of the change."""
    for path in places(document):
        original = container(document, path)[path[-1]]
        for wrong in ([1], {"a": 1}, True, -1.5):
            if path[-1] in ("idle_in_blocked", "can_halt", "pinned", "exceeds") and wrong is True:
                continue
            if path[-1] == "difference_pct" and wrong == -1.5:
                continue
            mutant = copy.deepcopy(document)
            container(mutant, path)[path[-1]] = wrong
            yield mutant, f"{path} is {wrong}"
        if isinstance(path[-1], str):
            mutant = copy.deepcopy(document)
            del container(mutant, path)[path[-1]]
            yield mutant, f"{path} is missing"
            mutant = copy.deepcopy(document)
            container(mutant, path)["surplus"] = 1
            yield mutant, f"surplus beside {path}"
        if original is not None and path[-1] in ("pid", "tid", "vcpu", "name", "mode"):
            mutant = copy.deepcopy(document)
            container(mutant, path)[path[-1]] = None
            yield mutant, f"{path} is null"
    for key, wrong in (("schema", 2), ("mode", "both"), ("time", "today"), ("mperf_ratio", 0)):
        mutant = copy.deepcopy(document)
        mutant[key] = wrong
        yield mutant, f"{key} is {wrong}"


def no_constants(name):
    raise ValueError(f"{name} is not JSON")


def main(arguments):
    mutate = arguments[:1] == ["--mutate"]
    with open(arguments[-1], encoding="utf-8") as file:
        schema = json.load(file)
    Draft202012Validator.check_schema(schema)
    close_objects(schema)
    validator = Draft202012Validator(schema)
    line_cnt = mutant_cnt = fault_cnt = 0
    for line in sys.stdin.buffer:
        line_cnt += 1
        document = json.loads(line.decode("utf-8"), parse_constant=no_constants)
        for error in validator.iter_errors(document):
            fault_cnt += 1
            print(f"line {line_cnt}, {list(error.absolute_path)}: {error.message}")
        for mutant, what in mutations(document) if mutate else ():
            mutant_cnt += 1
            if validator.is_valid(mutant):
                fault_cnt += 1
                print(f"line {line_cnt}: not refused: {what}")
    print(f"{line_cnt} lines, {mutant_cnt} mutants, {fault_cnt} faults")
    return 1 if fault_cnt or not line_cnt or (mutate and not mutant_cnt) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
