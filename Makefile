# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# gtimehalt: build, tests, installation. `make help` lists the targets.

OUTPUT  := .output
PROGRAMS := gtimehalt gtimehalt-steer
# Where they are linked to.
LINK_DIR := .
ARCH    := $(shell uname -m)
VERSION := 0.1.0

# "origin default" is make's own cc; a CC from the environment or the command line wins.
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG   ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /usr/local/sbin/bpftool) bpftool)
PREFIX  ?= /usr/local
SUDO    := $(if $(filter 0,$(shell id -u)),,sudo)

ifneq ($(ARCH),x86_64)
$(error gtimehalt reads MPERF, which only x86 has: cannot build for $(ARCH))
endif

# What building and the tests need, by Debian's names; the README says what each is for.
BUILD_PACKAGES := gcc make clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev libjson-c-dev libncurses-dev \
		  libmicrohttpd-dev libcap-ng-dev libseccomp-dev libsystemd-dev \
		  pkg-config
TEST_PACKAGES  := bats libcmocka-dev jq tmux clang-format clang-tidy cppcheck shellcheck \
		  python3-jsonschema man-db mandoc curl python3-prometheus-client python3-yaml systemd \
		  libclang-rt-dev valgrind
DEB_PACKAGES   := build-essential debhelper fakeroot lintian libcmocka-dev

# $(call install_missing,PACKAGES): asks no archive where all are there.
install_missing = missing=$$(for p in $(1); do \
		[ "$$(dpkg-query -W -f '$${db:Status-Status}' $$p 2>/dev/null)" = installed ] || echo $$p; \
	done); \
	if [ -n "$$missing" ]; then \
		echo "installing: "$$missing; \
		$(SUDO) apt-get update -q && $(SUDO) env DEBIAN_FRONTEND=noninteractive \
			apt-get install -qy --no-install-recommends $$missing; \
	fi

V ?= 0
ifeq ($(V),0)
Q   := @
msg  = @printf '  %-8s %s\n' '$(1)' '$(patsubst $(OUTPUT)/%,%,$(2))';
else
Q   :=
msg  =
endif

CFLAGS   ?= -O2 -g
WARN     := -Wall -Wextra -Wformat-signedness -Wtype-limits -Wshadow -Wstrict-prototypes \
	    -Wmissing-prototypes -Wwrite-strings -Werror
# Clang has no -Wformat-signedness before 19 and must not fail for it.
WARN     += $(if $(findstring clang,$(CC)),-Wno-unknown-warning-option)
CPPFLAGS += -D_GNU_SOURCE -DGTIMEHALT_VERSION='"$(VERSION)"' -I. -Isrc -I$(OUTPUT)
STD      := -std=gnu11
# Without pkg-config there is nothing to build yet: `make deps` comes first.
CURSES   := $(shell pkg-config --libs ncursesw 2>/dev/null || echo -lncursesw -ltinfo)
LDLIBS   := -lbpf -ljson-c -lmicrohttpd -lcap-ng -lseccomp -lsystemd $(CURSES)

# A module's name is unlike all others: its folder says where it belongs, and nothing else.
MODULES := $(notdir $(basename $(wildcard src/*/*.c)))
vpath %.c $(sort $(dir $(wildcard src/*/*.c)))
OBJS    := $(MODULES:%=$(OUTPUT)/src/%.o)
# All but the mains: the linker takes from it what a program needs.
LIBRARY := $(OUTPUT)/libgtimehalt.a

BPF_CFLAGS := -target bpf -D__TARGET_ARCH_x86 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter \
	      -I. -Ivmlinux/$(ARCH) -idirafter /usr/include/$(ARCH)-linux-gnu

.DELETE_ON_ERROR:
.PHONY: all clean distclean help deps
.DEFAULT_GOAL := all

all: $(PROGRAMS:%=$(LINK_DIR)/%)

$(PROGRAMS:%=$(LINK_DIR)/%): $(LINK_DIR)/%: $(OUTPUT)/%
	$(Q)mkdir -p $(LINK_DIR) && ln -sfr $< $@

$(PROGRAMS:%=$(OUTPUT)/%): %: %.o $(LIBRARY)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -Wl,--as-needed $(LDLIBS)

$(LIBRARY): $(OBJS)
	$(call msg,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(OUTPUT)/%.o: %.c | $(OUTPUT)/src
	$(call msg,CC,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(OUTPUT)/src/%.o: %.c | $(OUTPUT)/src
	$(call msg,CC,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) $(CPPFLAGS) -MMD -MP -c -o $@ $<

# The skeleton is generated: who includes it must wait for it the first time.
$(OUTPUT)/src/collector.o $(OUTPUT)/src/collector_objects.o: | $(OUTPUT)/gtimehalt.skel.h

$(OUTPUT)/gtimehalt.bpf.o: gtimehalt.bpf.c | $(OUTPUT)/src
	$(call msg,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(OUTPUT)/gtimehalt.skel.h: $(OUTPUT)/gtimehalt.bpf.o
	$(call msg,SKEL,$@)
	$(Q){ echo '/* NOLINTBEGIN: generated */' && \
		$(BPFTOOL) gen skeleton $< name gtimehalt_bpf && \
		echo '/* NOLINTEND */'; } > $@

$(OUTPUT)/src:
	$(Q)mkdir -p $@

deps:
	$(SUDO) apt-get update -q
	$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
		$(BUILD_PACKAGES)

clean:
	$(Q)rm -rf $(OUTPUT) $(PROGRAMS:%=$(LINK_DIR)/%)

distclean: clean
	$(Q)rm -rf --one-file-system .cache

help:
	@echo 'make              build ./gtimehalt and ./gtimehalt-steer'
	@echo 'make deps         install what building needs (Debian packages)'
	@echo 'make install      install below PREFIX=$(PREFIX), under DESTDIR'
	@echo 'make uninstall    remove what that has installed'
	@echo 'make deb          build a Debian package below $(DEB_DIR), and check it'
	@echo 'make deb-deps     install what that needs (Debian packages)'
	@echo 'make demo         show it at work on a real guest, in a VM (as root)'
	@echo 'make check        quick tests of what has changed; neither root, VM nor network'
	@echo 'make test         what CI runs, in VMs too (as root); ends with the count'
	@echo 'make test-all     every test there is, in VMs too (as root)'
	@echo 'make test-unit    unit tests only; neither root nor KVM'
	@echo 'make test-vm      tests on a KVM host in a VM only (as root)'
	@echo 'make test-intel   tests of measurement on Intel hosts, which Bochs emulates (as root)'
	@echo 'make test-kernels tests of measurement on five kernels, and a table (as root)'
	@echo 'make test-faults  what happens when things go wrong, on two kernels, and a table (as root)'
	@echo 'make soak         half an hour of churn in a VM: what must be flat, is (as root); SOAK_MINUTES='
	@echo 'make fuzz         fuzzes the parsers; FUZZ_SECONDS= each, FUZZ_TARGETS="vmm http"'
	@echo 'make coverage     unit and command line tests under sanitizers; a table of the lines they reach'
	@echo 'make bench        what it costs, and what others do, in a VM (as root); KERNELS="6.12"'
	@echo 'make bench-intel  the same on an Intel host'
	@echo 'make golden       write tests/golden anew, to be read as a diff'
	@echo 'make lint         clang-format, clang-tidy, cppcheck, shellcheck, SPDX'
	@echo 'make clean        remove what was built; the VM stays below .cache'
	@echo 'make distclean    remove that too'
	@echo 'V=1 shows the commands; CC= and CLANG= choose the compilers'

include contrib/install.mk
include tests/tests.mk

-include $(OBJS:.o=.d) $(PROGRAMS:%=$(OUTPUT)/%.d) $(OUTPUT)/gtimehalt.bpf.d
