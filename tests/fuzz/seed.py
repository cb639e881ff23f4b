#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the initial inputs of the fuzz targets, from tests/fixtures and tests/golden, and some by hand.

usage: tests/fuzz/seed.py FOLDER	(makes a folder in it for each target; see tests/fuzz/merge)
"""
import hashlib
import os
import struct
import sys

TESTS = os.path.normpath(os.path.join(os.path.dirname(__file__), ".."))
FIXTURES = os.path.join(TESTS, "fixtures")
GOLDEN = os.path.join(TESTS, "golden", "replay")


def put(target, data):
    folder = os.path.join(sys.argv[1], target)
    os.makedirs(folder, exist_ok=True)
    if isinstance(data, str):
        data = data.encode()
    with open(os.path.join(folder, hashlib.sha1(data).hexdigest()), "wb") as out:
        out.write(data)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def entry(path, name):
    """Returns one file of a tree in the form that tests/fuzz/tree_text.h describes."""
    if os.path.islink(path):
        return f"@> {name}\n{os.readlink(path).lstrip('/')}\n".encode()
    data = read(path)
    return f"@ {name}\n".encode() + data + (b"" if data.endswith(b"\n") else b"\n")


def tree(root, wanted=lambda name: True):
    text = b""
    for folder, folders, files in sorted(os.walk(root)):
        for file in sorted(files + [f for f in folders if os.path.islink(os.path.join(folder, f))]):
            path = os.path.join(folder, file)
            name = os.path.relpath(path, root)
            if wanted(name):
                text += entry(path, name)
    return text


def renumber(text, pid):
    """Renames the process to 100; the fuzz target knows the processes 100 and 200."""
    return text.replace(pid.encode(), b"100")


def processes():
    for fixture in sorted(os.listdir(FIXTURES)):
        proc = os.path.join(FIXTURES, fixture, "proc")
        if not os.path.isdir(proc):
            continue
        for pid in sorted(os.listdir(proc)):
            if not pid.isdigit() or not os.path.exists(os.path.join(proc, pid, "stat")):
                continue
            root = os.path.join(FIXTURES, fixture)
            text = tree(root, lambda n, pid=pid: n.startswith((f"proc/{pid}/", f"sys/kernel/debug/kvm/{pid}")))
            text = renumber(text, pid)
            put("process", text)
            put("process", text + b"@! proc/100/fd\n@@\n@! proc/100/stat\n")
            put("process", text + b"@@\n@! proc/100/fd\n@! proc/100/task/100/syscall\n@ proc/100/task/102/comm\nCPU 9/KVM\n@@\n")
            exe = os.path.join(proc, pid, "exe")
            exe = os.readlink(exe) if os.path.islink(exe) else "/usr/bin/qemu-system-x86_64"
            cmdline = read(os.path.join(proc, pid, "cmdline"))
            put("vmm", exe.encode() + b"\n" + cmdline)
            cgroup = os.path.join(proc, pid, "cgroup")
            if os.path.exists(cgroup):
                put("vmm", b"web-1, \xc3\xa9\n" + read(cgroup))
    put("process", "@ proc/100/stat\n100 (a) b) S " + " ".join("1" * 1 for _ in range(40)) + "\n@> proc/100/fd/3\nanon_inode:kvm-vm\n"
        "@ proc/100/comm\nx\n@ proc/100/cmdline\nfirecracker\0--id\0a\xff\x1b[2J\0\n@/ proc/100/task/101\n@ proc/100/statm\n1 2\n")


def vmms():
    for program, words in (
        ("/usr/bin/cloud-hypervisor (deleted)", ["x", "--api-socket", "path=/run/vc/sb/clh-api.sock,fd=3"]),
        ("/usr/bin/crosvm", ["crosvm", "run", "--socket=/run/web.sock", "--name", "a"]),
        ("/usr/bin/firecracker", ["f", "--id=x", "--api-sock", "/tmp/firecracker.socket"]),
        ("/usr/bin/kvm", ["kvm", "-id", "100"]),
        ("lkvm", ["lkvm", "run", "--name", "n", "--name"]),
        ("CPU 3/KVM", ["CPU 3/KVM"]), ("fc_vcpu 7", ["fc_vcpu 4294967296"]), ("vcpu12", ["vcpu12"]),
        ("x", ["kvm-vcpu-1"]), ("", ["crosvm_vcpu0\n"]),
        ("a,b", ["qemu", "-name", "a,,b,debug-threads=on", "-name", "guest=c,guest=,process=d"]),
    ):
        put("vmm", program + "\n" + "\0".join(words) + "\0")
    put("vmm", "a\n12:cpu:/machine/qemu-3-web.libvirt-qemu\n0::/machine.slice/machine-qemu\\x2d12\\x2dx\\x2d1.scope/\n")
    # Around the limits of path components, names and comms.
    for size in (127, 128, 255, 256, 257, 511, 512, 600):
        put("vmm", "a" * size + "\n0::/machine.slice/machine-qemu\\x2d1\\x2d" + "b" * (size - 29) + ".scope/" + "c" * size + "/")
        put("vmm", "qemu\nqemu\0-name\0" + "d" * size + "\0")
        put("vmm", "firecracker\nx\0--id\0" + "e" * size + "\0--api-sock\0/" + "f" * size)
    put("vmm", "a\n0::/machine.slice/machine-lxc\\x2d1\\x2da-b.scope/libvirt\n/x-1-y.libvirt-ch")


def hosts():
    kvm = "@ sys/module/kvm/initstate\nlive\n@ sys/module/%s/initstate\nlive\n@ sys/kernel/btf/vmlinux\n\n"
    rest = ("@ sys/kernel/btf/kvm\n\n@ sys/kernel/btf/kvm_amd\n\n@ sys/bus/event_source/devices/msr/events/mperf\nevent=0x03\n"
            "@ sys/bus/event_source/devices/msr/events/tsc\nevent=0x00\n@ sys/bus/event_source/devices/msr/type\n12\n")
    own = ("@ proc/self/status\nName:\tx\nCapEff:\t000001ffffffffff\n@ proc/self/statm\n300 20 10\n@> proc/self/fd/0\nx\n"
           "@ proc/self/stat\n" + "1 (x) S " + "7 " * 50 + "\n@ proc/sys/kernel/bpf_stats_enabled\n1\n")
    for module, vendor in (("kvm_amd", "AuthenticAMD"), ("kvm_intel", "GenuineIntel"), ("kvm_intel", "  Shanghai  "),
                           ("kvm_amd", "x")):
        for release in ("6.12.1", "5.10", "6.x"):
            put("host", kvm % module + rest + own + f"@ proc/cpuinfo\nprocessor\t: 0\nvendor_id\t: {vendor}\n"
                f"@ proc/sys/kernel/osrelease\n{release}\n@ cpus\n0-3,8,10-11\n")
    for symbol in ("vcpu_enter_guest.constprop.0\t[kvm]", "vcpu_enter_guest", "vcpu_enter_guest.cold", "vcpu_enter_guestx",
                   "vcpu_enter_guest." + "x" * 70):
        put("host", f"@ proc/kallsyms\nffffffffc0a01230 t kvm_init\t[kvm]\nffffffffc0a01230 t {symbol}\n")
    put("host", "@ cpus\n16-23\n@ proc/self/status\nx\nCapEff:\t0000000000000000\n")
    put("host", kvm % "kvm_amd" + "@ sys/module/kvm/initstate\ncoming\n")
    put("host", kvm % "kvm_amd" + "@@\n@- sys/kernel/btf/vmlinux\n@ cpus\n5,\n")


def recordings():
    with open(os.path.join(GOLDEN, "three-guests.ndjson"), "rb") as file:
        lines = file.read().splitlines(keepends=True)
    put("recording", b"".join(lines[:3]))
    put("recording", b"".join(lines[:4]))
    put("recording", lines[0] + lines[-1])
    put("recording", b"".join(lines[:3])[:-20])
    header = '{"format":"gtimehalt-recording","version":1,"mode":"entry"}\n'
    snap = ('{"clock":{"monotonic_ns":%d,"boottime_ns":1,"realtime_ns":1,"tsc_cycles":%d},"mode":"entry","mperf_ratio":1,'
            '"health":{"lost_windows":0,"mperf_errors":0,"map_full":0},"vms":[{"pid":1,"name":"a\\u0022\\n\\u001b"}],'
            '"vcpus":[{"pid":1,"tid":2,"vcpu":0,"seen":true,"vm_id":1,"start_boottime_ns":1,"at_monotonic_ns":%d,'
            '"loaded_ns":%d,"measured_ns":%d,"mperf_cycles":1,"unmeasured_ns":1,"guest_ns":%d,"entries":1,"wait_ns":%s%s}]%s}\n')
    put("recording", header)
    put("recording", header + snap % (1, 1, 1, 1, 1, 1, "1", "", "") + snap % (1000, 1000, 900, 800, 700, 600, "null", "", ""))
    stints = (',"stints":1', ',"has_stints":true,"stints":[{"halted_ns":4000,"counts":[0,1,7,18446744073709551615]}],"cpus":'
              '[{"cpu":0,"mperf_ratio":0.97,"at_monotonic_ns":1,"mperf_cycles":1,"window_ns":1,"window_mperf_cycles":1,'
              '"idle_ns":1,"idle_mperf_cycles":1}]')
    put("recording", header + snap % ((1, 1, 1, 1, 1, 1, "1") + stints) + snap % ((9, 9, 9, 8, 7, 6, "7") + stints))
    put("recording", header + snap % (1, 1, 1, 1, 1, 1, "1", "", "") + snap % (18446744073709551615, 9, 1, 2**63, 2**63 - 1, 2**64 - 1, "0", "", ""))
    put("recording", header.replace("1,", "2,"))
    put("recording", header + "[" * 40)
    put("recording", header + '{"a":1,"a":2}\n{"b":[{"c":18446744073709551616}]}\n')
    put("recording", header.replace('"mode"', '"kernel_release":"6.12","window_hook":"fentry","mperf_ratio":0.5,"mode"') + "\n\n")


def reports():
    def number(value):
        return bytes([7]) + struct.pack(">Q", value)

    vcpu = b"\x07" + b"".join(number(n) for n in (10, 11, 0, 1, 5)) + b"".join(
        number(n) for n in (2 * 10**9, 10**9, 10**9, 10**8, 0, 9 * 10**8, 100, 0))
    again = b"\x03" + b"".join(number(n) for n in (10**9, 10**9, 10**9, 10**8, 0, 9 * 10**8, 100, 0))
    for flags in (0, 1, 2, 6, 15):
        stints = b"\x01" + number(4000) + b"\x02\x07" + number(3) if flags & 2 else b""
        head = bytes([flags]) + number(97) + number(100) + b"".join(number(10**9) for _ in range(4)) + number(0) * 2
        head += number(1) if flags & 4 else b""
        vm = b"\x01" + number(9) + b"\x03abc"
        end = number(5) if flags & 8 else b""
        put("report", head + vm + b"\x01" + vcpu + stints + end + (head + vm + b"\x01" + again + stints + end) * 2)
    put("report", b"\xff" * 400)
    put("report", bytes(range(256)) * 3)


def names():
    for name in ("web-1", "a\x1b[2J\x1b]0;x\x07b", '"},{"pid":1', 'a","b"\n1,2', 'x"} 1\n# EOF\ngtimehalt_up 1', "=1+1", "'=1",
                 "\u202eevil\u2066", "\u009b", "世界" * 20, "e\u0301" * 60, "\\", "\\n\"", "\U000e0041", "a" * 127, "-", "@x", "\uff1dx",
                 "", "~", "vm#2", "\t", "\r\n", "\u061c", "\ufeff", "%s%n"):
        data = name.encode("utf-8", "surrogatepass")
        put("names", data + b"\0" + b"web-2")
        put("names", b"b\0" + data)
    for data in (b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"a\xf0\x9f\x98", b"\x9b31m"):
        put("names", data + b"\0" + data)


def tops():
    for keys in (b"", b"jjkG\ngPs", b"/web\n", b"/\xe4\xb8\x96\x7f\x15x\x1b", b"i0.5\n", b"ix\n\x1b", b"?jjjq", b"n", b"vas S", b"p \tq",
                 b"HLBOWKEP", b"\xf8\x01\xf8\x03\xf8\x02\xf8\x04\xf8\x05", b"\xf9\x15j\n\xf9\x3f\n\xf9\x00", b"\xfa\x00\x00",
                 b"\xfa\x05\x10\xfa\x08\x50", b"\x0c\xff\xfe", b"i1000001\n", b"i0\n"):
        put("top", b"\x08" + keys)
        put("top", b"\x0f" + keys + b"\xf9\x81" + keys)


def options():
    for words in ("-p 1,2 -t 3 -g web-*", "--vcpu 0,1 -P", "-L -s halted -r 10", "-H -m -d 5", "-H -N", "-C 1 5", "--top 2", "-j 5",
                  "--csv -L", "--mode switch", "--mode entry --hook fentry", "--hook auto", "--hook kprobe --mperf-ratio 0.97",
                  "--record f 1", "--replay f -L", "--replay f --listen=[::1]:80", "--listen=:0 --user x",
                  "--textfile /x --bpf-stats 10", "--check", "--wait", "--pin --group x", "--renew", "--unpin", "-vv", "-V", "-h", "--help", "-?",
                  "--usage", "--no-such", "-p", "-p x", "-g a\\,b,[a-z]?", "-g a,,b", "-r 0", "1 2 3", "-d 0.0001", "--hist", "--",
                  "-s nonsense", "--record -", "--mode x", "--hook x", "--listen=x", "--group=", "--user="):
        put("options", words.replace(" ", "\n"))
    put("options", "-g\n\x1b[2J")
    put("options", "-p\n" + ",".join(str(n) for n in range(1, 1100)))


def words():
    for word in ("0", "1", "18446744073709551615", "18446744073709551616", "00", "+1", "-1", " 1", "1 ", "0x1", "1.", ".5", "0.25",
                 "0.000000001", "0.0000000001", "1e3", "4096", "4097", "127.0.0.1:80", "[::1]:80", ":80", ":65536", "[::ffff:1.2.3.4]:0",
                 "[]:1", "halted", "HALTED%", "halted_ns", "entries/s", "ENTRIES", "0-3,8,10-11", "5-", "99999999999999999999-1", "1,",
                 "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "text/plain", "text/plain;q=0.5",
                 'application/openmetrics-text; version="1.0.0"; q=1.000', "application/openmetrics-text;q=0", ";q=1.5,", "q=0.1234"):
        put("words", word)


def https():
    head = "%s %s HTTP/1.1\r\nHost: a\r\n%s\r\n"
    for request in (head % ("GET", "/metrics", "Accept: application/openmetrics-text\r\n"), head % ("HEAD", "/metrics", ""),
                    head % ("GET", "/healthz", ""), head % ("GET", "/", "Connection: close\r\n"), head % ("GET", "/x", ""),
                    head % ("POST", "/metrics", "Content-Length: 3\r\n") + "abc", head % ("GET", "/metrics", "Content-Length: 9\r\n") + "a",
                    head % ("GET", "/metrics", "Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\n0\r\n\r\n", "GET /metrics HTTP/1.0\r\n\r\n",
                    head % ("GET", "/metrics?a=b&c", "") * 3, "GET /%00metrics HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\n", "GET\r\n",
                    head % ("GET", "/" + "a" * 9000, ""), head % ("GET", "/", "X: " + "y" * 9000 + "\r\n"), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                    head % ("GET", "/metrics", "Expect: 100-continue\r\nContent-Length: 1\r\n"), "GET /metrics HTTP/9.9\r\n\r\n",
                    head % ("OPTIONS", "*", ""), head % ("GET", "http://a/metrics", ""), head % ("GET", "/metrics", "A: b\r\n c: d\r\n")):
        data = request.encode()
        put("http", data)
        put("http", data[: len(data) // 2] + b"\xfe" + data[len(data) // 2 :] + b"\xfe" + data)
    put("http", b"GET /me\xfdGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n\xfd\xfdGET / HTTP/1.1\r\nHost: a\r\n\r\n")


for make in (processes, vmms, hosts, recordings, reports, names, tops, options, words, https):
    make()
