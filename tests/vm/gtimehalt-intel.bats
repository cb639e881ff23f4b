#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# bats file_tags=boot:plain
#
# What can be shown of Intel's hosts without VMX: the functions that the tool attaches to there are in the
# kernel's own kvm-intel module, as it expects them. Runs in the bed, on every kernel. The programs are the
# same as on AMD, and are loaded and run there.

bats_require_minimum_version 1.5.0

setup() {
	local module
	module=$(modinfo -F filename kvm_intel)
	KO=$BATS_TEST_TMPDIR/kvm-intel.ko
	case $module in
	*.xz) xz -dc "$module" >"$KO" ;;
	*) cp "$module" "$KO" ;;
	esac
}

# types: the module's types and those of vmlinux that they build on, a line each.
types() {
	bpftool -B /sys/kernel/btf/vmlinux btf dump file "$KO"
	bpftool btf dump file /sys/kernel/btf/vmlinux
}

@test "vmx_vcpu_run() of kvm-intel has BTF, and takes a vCPU first" {
	[[ -e /sys/kernel/btf/kvm ]] || skip "modules have no BTF here: kprobes find it by its symbol"
	types >"$BATS_TEST_TMPDIR/types"
	python3 - "$BATS_TEST_TMPDIR/types" <<'PY'
import re, sys

types, last = {}, None
for line in open(sys.argv[1]):
    head = re.match(r"\[(\d+)\] (\w+) '([^']*)'(.*)", line)
    if head:
        last = types.setdefault(int(head[1]), (head[2], head[3], head[4], []))
    elif (param := re.match(r"\t'([^']*)' type_id=(\d+)", line)) and last:
        last[3].append(int(param[2]))
runs = [t for t in types.values() if t[0] == "FUNC" and t[1] == "vmx_vcpu_run"]
assert len(runs) == 1, runs
proto = types[int(re.search(r"type_id=(\d+)", runs[0][2])[1])]
assert proto[0] == "FUNC_PROTO" and proto[3], proto
pointer = types[proto[3][0]]
assert pointer[0] == "PTR", pointer
vcpu = types[int(re.search(r"type_id=(\d+)", pointer[2])[1])]
assert vcpu[:2] == ("STRUCT", "kvm_vcpu"), vcpu
PY
}

# bats test_tags=core-oldest,core-newest
@test "vmx_vcpu_run() of kvm-intel is a symbol, and has room for ftrace's call" {
	python3 - "$KO" <<'PY'
import struct, sys

data = open(sys.argv[1], "rb").read()
section_at, = struct.unpack_from("<Q", data, 0x28)
section_size, section_cnt, names = struct.unpack_from("<HHH", data, 0x3a)
sections = [struct.unpack_from("<IIQQQQIIQQ", data, section_at + i * section_size) for i in range(section_cnt)]
text_at = lambda table, at: data[sections[table][4] + at:].split(b"\0", 1)[0].decode()
named = {text_at(names, s[0]): i for i, s in enumerate(sections)}
symtab = sections[named[".symtab"]]
symbols = [struct.unpack_from("<IBBHQQ", data, symtab[4] + at) for at in range(0, symtab[5], 24)]
run = [s for s in symbols if text_at(symtab[6], s[0]) == "vmx_vcpu_run"]
assert len(run) == 1 and run[0][1] & 0xf == 2, run  # STT_FUNC
# Every function that can be attached to has an entry in __mcount_loc, relocated to its beginning.
relocations = sections[named[".rela__mcount_loc"]]
begin, end = run[0][4], run[0][4] + 16
for at in range(0, relocations[5], 24):
    _, info, addend = struct.unpack_from("<QQq", data, relocations[4] + at)
    symbol = symbols[info >> 32]
    if symbol[3] == run[0][3] and begin <= symbol[4] + addend < end:
        break
else:
    raise SystemExit("not in __mcount_loc")
PY
}
