# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# All targets that test the tool. Included by the Makefile.
include tests/unit/unit.mk
include tests/schema/schema.mk
include tests/cli/cli.mk
include tests/vm/payload/payload.mk
include tests/vm/programs/programs.mk
include tests/bench/bench.mk
include tests/fuzz/fuzz.mk
include tests/instrumented/instrumented.mk
include tests/soak/soak.mk

.PHONY: check check-programs golden test test-all test-deps test-programs broken test-bed test-vm test-intel test-kernels test-faults demo demo-steer lint test-cli test-contrib test-package

BED := tests/vm/bed

# $(call run_suites,SUITE...): builds what the suites run, once test-deps has installed what that needs, and runs them.
define run_suites
$(Q)$(MAKE) --no-print-directory test-programs
$(Q)OUTPUT=$(OUTPUT) tests/run $(1)
endef

test-deps:
	$(Q)$(call install_missing,$(BUILD_PACKAGES) $(TEST_PACKAGES) $(DEB_PACKAGES))
	$(Q)tests/contrib/promtool --fetch

check-programs: $(UNIT_BINS) $(REPORTS)

test-programs: $(PAYLOAD) $(PAYLOAD_ACCOUNT) $(LOAD_PROGRAMS) $(ODD_PROGRAMS) $(UNIT_BINS) $(REPORTS) $(TOP_FEEDER) bench-programs broken stretched crowded

# The tool with one hook missing, which --check must detect: see tests/vm/gtimehalt-check.bats. A make of its own
# builds it in a folder below this build, so that dependencies are tracked there too.
broken:
	$(Q)CPPFLAGS='-DGTIMEHALT_TEST_DROP_HOOK=\"vcpu_load\"' $(MAKE) --no-print-directory \
		OUTPUT=$(OUTPUT)/tests/broken $(OUTPUT)/tests/broken/gtimehalt

# The tool with its fixed durations multiplied by 100, because in the test bed a VM exit takes a hundred times as long
# as on real hardware. Used by the test of --histogram, and by `make bench`, which counts the cost that the tool adds
# to an exit.
.PHONY: stretched
stretched:
	$(Q)CPPFLAGS='-DGTIMEHALT_TEST_TIME_STRETCH=100' $(MAKE) --no-print-directory \
		OUTPUT=$(OUTPUT)/tests/stretched $(OUTPUT)/tests/stretched/gtimehalt

# The tool and the exporter with BPF maps for only four vCPUs: see tests/vm/faults-many.bats.
.PHONY: crowded
crowded:
	$(Q)CPPFLAGS='-DGTIMEHALT_TEST_MAX_VCPUS=4' $(MAKE) --no-print-directory \
		OUTPUT=$(OUTPUT)/tests/crowded $(OUTPUT)/tests/crowded/gtimehalt $(OUTPUT)/tests/crowded/gtimehalt-exporter

# Sets up the test bed and the guest that runs in it, once, below an ignored folder; see tests/vm/README.md.
test-bed: $(PAYLOAD) $(PAYLOAD_ACCOUNT) all
	$(Q)$(SUDO) $(BED) setup 6.12
	$(Q)$(SUDO) tests/vm/linux-guest/build

lint: all
	$(Q)OUTPUT=$(OUTPUT) tests/lint

test-cli: all $(REPORTS) $(TOP_FEEDER)
	$(Q)OUTPUT=$(OUTPUT) tests/cli/run

test-contrib: all
	$(Q)OUTPUT=$(OUTPUT) bats --tap tests/contrib

test-package: deb-deps all
	$(Q)OUTPUT=$(OUTPUT) bats --tap tests/package

# Regenerates the expected outputs that tests compare with. Review the diff before committing it.
golden: all $(TOP_FEEDER)
	$(Q)GOLDEN=update bats tests/cli/replay.bats tests/cli/exporter.bats tests/cli/top-replay.bats tests/cli/top.bats
	$(Q)git diff --stat -- tests/golden

test-vm: test-deps
	$(call run_suites,bed package vm-6.12-all vm-metrics)

# The measurement tests on Intel hosts, which Bochs emulates.
test-intel: test-deps
	$(call run_suites,vm-intel-all)

# The measurement tests on five kernels, from the oldest to the newest that are supported, and a table of the results.
test-kernels: test-deps
	$(call run_suites,vm-kernels)

# The fault tests on the oldest and the newest kernel, and a table of the results.
test-faults: test-deps
	$(call run_suites,vm-faults vm-faults-parallel)

# The three tiers of tests/suites; the last line of each prints how many tests passed, failed and were skipped. check
# installs nothing, and needs no root, VM or network.
check:
	$(Q)OUTPUT=$(OUTPUT) tests/run check

test: test-deps
	$(Q)OUTPUT=$(OUTPUT) tests/run test

test-all: test-deps
	$(Q)OUTPUT=$(OUTPUT) tests/run all

# Installs the dependencies, then shows the tool measuring a real guest.
demo: test-deps
	$(Q)$(SUDO) tests/demo

# The experiment of the RFC: what a guest sees of other work on its host, without steering and with it.
demo-steer: test-deps
	$(Q)$(SUDO) tests/demo-steer
