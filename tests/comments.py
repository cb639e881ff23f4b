#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks comments in C: no line may exceed the column limit, and no sentence may begin with a word that puts the
topic before the subject. Prints each fault; exits with status 1 if there is any.

usage: tests/comments.py FILE...
"""

import re
import sys

COLUMNS_MAX = int(re.search(r"ColumnLimit: *(\d+)", open(".clang-format").read())[1])
# The first alternatives match strings and characters, so that "/*" and "//" inside them are not taken for comments.
TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|(?P<comment>/\*.*?\*/|//[^\n]*)', re.S)
FRONTED = re.compile(r"(?:^|(?<=[.?!]))\s*(?:Of|Else|Nor|Who|What|Those)\b", re.M)


def text_of(comment):
	"""Returns the text of a comment, one line for each paragraph."""
	lines = [re.sub(r"^\s*\*?", "", line).strip() for line in comment.strip("/").strip("*").split("\n")]
	return re.sub(r"\n+", "\n", re.sub(r"(?<=.)\n(?=.)", " ", "\n".join(lines))).strip()


def faults_of(source):
	lines = source.split("\n")
	for token in TOKEN.finditer(source):
		if not token["comment"]:
			continue
		first = source.count("\n", 0, token.start())
		last = first + token["comment"].count("\n")
		for i in range(first, last + 1):
			if len(lines[i].expandtabs()) > COLUMNS_MAX:
				yield i, f"a comment beyond column {COLUMNS_MAX}"
		for sentence in FRONTED.finditer(text_of(token["comment"])):
			yield first, f"a sentence of this comment begins with \"{sentence[0].strip()}\""


failed = False
for path in sys.argv[1:]:
	with open(path, encoding="utf-8") as file:
		for i, fault in faults_of(file.read()):
			print(f"{path}:{i + 1}: {fault}")
			failed = True
sys.exit(failed)
