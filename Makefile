# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# gtimehalt: build, tests, installation. `make help` lists the targets.

OUTPUT  := .output
PROGRAMS := gtimehalt gtimehalt-exporter gtimehalt-steer
# Where they are linked to.
LINK_DIR := .
ARCH    := $(shell uname -m)
VERSION := 0.1.0

# The origin "default" is make's built-in value, cc. A CC from the environment or the command line takes precedence.
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

# Debian packages that the build and the tests need; HACKING.md says what each is for.
BUILD_PACKAGES := gcc make clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev libjson-c-dev libncurses-dev \
		  libmicrohttpd-dev libcap-ng-dev libseccomp-dev libsystemd-dev \
		  pkg-config
TEST_PACKAGES  := bats libcmocka-dev jq tmux clang-format clang-tidy cppcheck shellcheck \
		  python3-jsonschema man-db mandoc curl python3-prometheus-client python3-yaml systemd \
		  libclang-rt-dev valgrind
DEB_PACKAGES   := build-essential debhelper fakeroot lintian libcmocka-dev

# $(call install_missing,PACKAGES): installs those that are missing. Needs no network if none is.
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
# Clang before 19 does not know -Wformat-signedness; that must not be an error.
WARN     += $(if $(findstring clang,$(CC)),-Wno-unknown-warning-option)
CPPFLAGS += -D_GNU_SOURCE -DGTIMEHALT_VERSION='"$(VERSION)"' -I. -Isrc -I$(OUTPUT)
STD      := -std=gnu11
# Targets that build nothing, such as `make deps`, must work before pkg-config is installed.
CURSES   := $(shell pkg-config --libs ncursesw 2>/dev/null || echo -lncursesw -ltinfo)
LDLIBS   := -lbpf -lm -ljson-c -lmicrohttpd -lcap-ng -lseccomp -lsystemd $(CURSES)

# Every module has a unique file name, so that all objects can be in one folder.
MODULES := $(notdir $(basename $(wildcard src/*/*.c)))
vpath %.c $(sort $(dir $(wildcard src/*/*.c)))
OBJS    := $(MODULES:%=$(OUTPUT)/src/%.o)
# All but the mains. The linker takes from it the modules that a program needs, and from LDLIBS what these need.
LIBRARY := $(OUTPUT)/libgtimehalt.a
LINK     = $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -Wl,--as-needed $(LDLIBS)

BPF_CFLAGS := -target bpf -D__TARGET_ARCH_x86 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter \
	      -I. -Ivmlinux/$(ARCH) -idirafter /usr/include/$(ARCH)-linux-gnu

.DELETE_ON_ERROR:
.PRECIOUS: $(OUTPUT)/%.bpf.o
.PHONY: all clean distclean help deps compile_commands.json
.DEFAULT_GOAL := all

all: $(PROGRAMS:%=$(LINK_DIR)/%)

$(PROGRAMS:%=$(LINK_DIR)/%): $(LINK_DIR)/%: $(OUTPUT)/%
	$(Q)mkdir -p $(LINK_DIR) && ln -sfr $< $@

$(PROGRAMS:%=$(OUTPUT)/%): %: %.o $(LIBRARY)
	$(call msg,LINK,$@)
	$(Q)$(LINK)

$(LIBRARY): $(OBJS)
	$(call msg,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(OUTPUT)/%.o: %.c | $(OUTPUT)/src
	$(call msg,CC,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(OUTPUT)/src/%.o: %.c | $(OUTPUT)/src
	$(call msg,CC,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) $(CPPFLAGS) -MMD -MP -c -o $@ $<

# The skeleton is generated. The first build has no dependency files yet, so the objects that need it are listed here.
$(OUTPUT)/src/bpf_loader.o $(OUTPUT)/src/bpf_loader_objects.o: | $(OUTPUT)/gtimehalt.skel.h
$(OUTPUT)/src/scheduler.o: | $(OUTPUT)/steer-sched.skel.h

# The assembler includes the template, which no dependency file tells.
$(OUTPUT)/src/render_page.o: src/render/page.html

$(OUTPUT)/%.bpf.o: %.bpf.c | $(OUTPUT)/src
	$(call msg,BPF,$@)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(OUTPUT)/%.skel.h: $(OUTPUT)/%.bpf.o
	$(call msg,SKEL,$@)
	$(Q){ echo '/* NOLINTBEGIN: generated */' && \
		$(BPFTOOL) gen skeleton $< name $(subst -,_,$*)_bpf && \
		echo '/* NOLINTEND */'; } > $@

$(OUTPUT)/src:
	$(Q)mkdir -p $@

deps:
	$(SUDO) apt-get update -q
	$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends \
		$(BUILD_PACKAGES)

# For clangd: the compilations that make would run for the tool and its unit tests.
compile_commands.json:
	$(Q)$(MAKE) -Bn V=1 all check-programs | grep -e ' -c -o ' | \
		jq -nR '[inputs | {directory: "$(CURDIR)", command: ., file: (split(" ") | last)}]' >$@

clean:
	$(Q)rm -rf $(OUTPUT) $(PROGRAMS:%=$(LINK_DIR)/%) compile_commands.json

distclean: clean
	$(Q)rm -rf --one-file-system .cache

help:
	@echo 'make              build ./gtimehalt, ./gtimehalt-exporter and ./gtimehalt-steer'
	@echo 'make deps         install the Debian packages that the build needs'
	@echo 'make install      install below PREFIX=$(PREFIX), under DESTDIR'
	@echo 'make uninstall    remove the files that make install has installed'
	@echo 'make deb          build the Debian packages below $(DEB_DIR) and check them with lintian'
	@echo 'make deb-deps     install the Debian packages that make deb needs'
	@echo 'make rpm          build the RPM packages below $(RPM_DIR); see contrib/rpm/gtimehalt.spec'
	@echo 'make compile_commands.json   list how each file is compiled, for clangd (needs jq)'
	@echo 'make demo         show gtimehalt measuring a real guest on a KVM host in a VM (as root)'
	@echo 'make demo-steer   show what steering does for a busy guest, in a VM (as root); KERNEL=newest adds --sched'
	@echo 'make check        quick tests of the changed files; needs no root, VM or network'
	@echo 'make test         the tests that CI runs, some of them in VMs (as root)'
	@echo 'make test-all     all tests, many of them in VMs (as root)'
	@echo 'make test-unit    unit tests only; needs neither root nor KVM'
	@echo 'make test-vm      only the tests on a KVM host in a VM (as root)'
	@echo 'make test-intel   measurement tests on Intel hosts, which Bochs emulates (as root)'
	@echo 'make test-kernels measurement tests on five kernels; ends with a table (as root)'
	@echo 'make test-faults  fault tests on two kernels; ends with a table (as root)'
	@echo 'make soak         half an hour of churn in a VM, to find leaks and drift (as root); SOAK_MINUTES='
	@echo 'make fuzz         fuzz the parsers, FUZZ_SECONDS= each; FUZZ_TARGETS="vmm http"'
	@echo 'make coverage     unit and command line tests under sanitizers; prints their line coverage'
	@echo 'make bench        cost of gtimehalt and of other tools, in a VM (as root); KERNELS="6.12"'
	@echo 'make bench-intel  the same on an Intel host'
	@echo 'make golden       regenerate the expected outputs in tests/golden; review the diff'
	@echo 'make lint         clang-format, clang-tidy, cppcheck, shellcheck, comments, SPDX, order of includes'
	@echo 'make clean        remove the build; the VM stays below .cache'
	@echo 'make distclean    remove the build and the VM'
	@echo 'V=1 shows the commands; CC= and CLANG= choose the compilers'

include contrib/install.mk
include tests/tests.mk

-include $(OBJS:.o=.d) $(PROGRAMS:%=$(OUTPUT)/%.d) $(OUTPUT)/gtimehalt.bpf.d $(OUTPUT)/steer-sched.bpf.d
