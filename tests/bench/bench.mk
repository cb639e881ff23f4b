# SPDX-License-Identifier: GPL-2.0-or-later
# Measures the cost of the tool. Included by the Makefile, through tests/tests.mk.

BENCH_OUT := $(OUTPUT)/tests/bench
SWITCHES  := $(BENCH_OUT)/switches

# Static, because it also runs in VMs of other distributions.
$(SWITCHES): tests/bench/switches.c
	$(Q)mkdir -p $(@D)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) -static -pthread -o $@ $<

# The BPF programs, to be run on this machine.
$(BENCH_OUT)/native.bpf.o: tests/bench/native.bpf.c gtimehalt.bpf.c gtimehalt.h $(wildcard bpf/*.bpf.h)
	$(Q)mkdir -p $(@D)
	$(call msg,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c -o $@ $<

$(BENCH_OUT)/native.skel.h: $(BENCH_OUT)/native.bpf.o
	$(call msg,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name native_bpf > $@

$(BENCH_OUT)/native: tests/bench/native.c $(BENCH_OUT)/native.skel.h
	$(call msg,LINK,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) $(CPPFLAGS) -o $@ $< -lbpf

$(BENCH_OUT)/interval: tests/bench/interval.c tests/bench/fake_host.c tests/bench/fake_host.h $(LIBRARY)
	$(Q)mkdir -p $(@D)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) $(CPPFLAGS) -Itests/bench -o $@ $(filter %.c %.a,$^) -pthread -Wl,--as-needed \
		-Wl,--wrap=hostfs__readlink,--wrap=bpf_reader__read $(LDLIBS)

# The kernels of the bed on which instructions are counted, such as KERNELS="5.10 6.12 newest".
KERNELS ?= 6.12

.PHONY: bench bench-intel bench-programs
bench-programs: all stretched $(PAYLOAD) $(SWITCHES) $(BENCH_OUT)/native $(BENCH_OUT)/interval

# Installs and builds everything needed. Dependencies come first, as in make test, because building needs them.
bench: test-deps
	$(Q)$(MAKE) --no-print-directory bench-programs
	$(Q)OUTPUT=$(OUTPUT) tests/bench/run $(KERNELS)

bench-intel: test-deps
	$(Q)$(MAKE) --no-print-directory bench-programs
	$(Q)OUTPUT=$(OUTPUT) tests/bench/run --vmx $(KERNELS)
