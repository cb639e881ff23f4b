# SPDX-License-Identifier: GPL-2.0-or-later
"""Counts BPF objects in the kernel by bpf(2) itself. bpftool cannot be used, because it loads a BPF program to
find the owners of objects.
"""

import ctypes
import os
import struct

SYS_BPF = 321
MAP_GET_NEXT_KEY = 4
PROG_GET_NEXT_ID = 11
MAP_GET_NEXT_ID = 12
MAP_GET_FD_BY_ID = 14
OBJ_GET_INFO_BY_FD = 15
LINK_GET_NEXT_ID = 31

HASHES = {1: "hash", 9: "lru_hash"}

libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attr):
	"""Returns the result of bpf(2); the buffer `attr` is also output."""
	got = libc.syscall(SYS_BPF, command, attr, len(attr))
	if got < 0:
		raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
	return got


def ids(command):
	found = []
	last = 0
	while True:
		attr = ctypes.create_string_buffer(struct.pack("=III", last, 0, 0), 16)
		try:
			bpf(command, attr)
		except FileNotFoundError:
			return found
		last = struct.unpack_from("=I", attr.raw, 4)[0]
		found.append(last)


def count_keys(fd, key_size):
	"""Counts the entries of a map. Entries added or deleted meanwhile may or may not be counted; the kernel
	restarts the iteration if the current key was deleted."""
	key = ctypes.create_string_buffer(key_size)
	keys = set()
	first = True
	while True:
		attr = ctypes.create_string_buffer(struct.pack("=IIQQQ", fd, 0, 0 if first else ctypes.addressof(key),
			ctypes.addressof(key), 0), 32)
		try:
			bpf(MAP_GET_NEXT_KEY, attr)
		except FileNotFoundError:
			return len(keys)
		first = False
		keys.add(key.raw)


def map_of(number):
	"""Returns the name of a map, its capacity, its number of entries, and its kernel memory; None if the map is
	gone."""
	try:
		fd = bpf(MAP_GET_FD_BY_ID, ctypes.create_string_buffer(struct.pack("=III", number, 0, 0), 16))
	except FileNotFoundError:
		return None
	try:
		info = ctypes.create_string_buffer(128)
		bpf(OBJ_GET_INFO_BY_FD, ctypes.create_string_buffer(struct.pack("=IIQ", fd, len(info), ctypes.addressof(info)), 16))
		kind, _, key_size, _, max_entries = struct.unpack_from("=IIIII", info.raw)
		with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as file:
			memory = next(int(line.split()[1]) for line in file if line.startswith("memlock:"))
		return {
			"id": number,
			"name": info.raw[24:40].split(b"\0")[0].decode(),
			"max": max_entries,
			"bytes": memory,
			"entries": count_keys(fd, key_size) if kind in HASHES else None,
		}
	finally:
		os.close(fd)


def maps():
	return [found for found in map(map_of, ids(MAP_GET_NEXT_ID)) if found]


def counts():
	return {
		"programs": len(ids(PROG_GET_NEXT_ID)),
		"links": len(ids(LINK_GET_NEXT_ID)),
		"maps": len(ids(MAP_GET_NEXT_ID)),
	}
