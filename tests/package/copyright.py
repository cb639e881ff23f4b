#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares debian/copyright with the SPDX line of each file.

usage: copyright.py COPYRIGHT FILE...

For each FILE with an SPDX line, the last matching stanza of COPYRIGHT, in Debian's machine-readable format, must name
the same licence. Prints the files where it does not, and "N files, N faults". Exits with status 1 if there is a
fault, or if no file has an SPDX line.
"""

import fnmatch
import os
import re
import sys

NAMES = {
	"GPL-2.0-only OR BSD-2-Clause": "GPL-2 or BSD-2-clause",
	"GPL-2.0-only": "GPL-2",
	"GPL-2.0-or-later": "GPL-2+",
	"LGPL-2.1-or-later": "LGPL-2.1+",
}


def read_stanzas(path):
	"""Returns (patterns, licence) of each stanza with a Files field."""
	stanzas = []
	with open(path, encoding="utf-8") as file:
		for paragraph in file.read().split("\n\n"):
			fields = dict(re.findall(r"^([\w-]+): *((?:.*)(?:\n[ \t].*)*)", paragraph, re.M))
			if "Files" in fields:
				stanzas.append((fields["Files"].split(), fields["License"].split("\n")[0]))
	return stanzas


def licence_of(path):
	"""Returns the licence named in the file's first lines, or None. Fixtures contain dangling links."""
	if os.path.islink(path):
		return None
	with open(path, encoding="utf-8", errors="replace") as file:
		head = "".join(file.readline() for _ in range(5))
	found = re.search(r"SPDX-License-Identifier: ([\w. -]*\w)", head)
	return found and found.group(1)


def main():
	stanzas = read_stanzas(sys.argv[1])
	checked = faults = 0
	for path in sys.argv[2:]:
		says = licence_of(path)
		if says is None:
			continue
		checked += 1
		fitting = [licence for patterns, licence in stanzas
			if any(fnmatch.fnmatchcase(path, pattern) for pattern in patterns)]
		if not fitting or fitting[-1] != NAMES.get(says):
			faults += 1
			print(f"{path}: says {says}, is under {fitting[-1] if fitting else 'nothing'}")
	print(f"{checked} files, {faults} faults")
	return 1 if faults or not checked else 0


if __name__ == "__main__":
	sys.exit(main())
