# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Fuzz targets, by clang's libFuzzer. Included by tests/tests.mk; tests/fuzz/README.md says how to use them.

# Further files that a target links. Of the modules (src/*/*.c) below, the linker takes what the target needs.
fuzz_process_HELPERS   := shown tree_text
fuzz_host_HELPERS      := tree_text
fuzz_recording_HELPERS := recordings shown forms
fuzz_report_HELPERS    := recordings shown forms
fuzz_names_HELPERS     := screen shown forms
fuzz_top_HELPERS       := screen shown

# Not all modules, because each is compiled twice more for this.
FUZZ_MODULES := $(notdir $(basename $(foreach folder,base export options recording render report text top vm,\
		$(wildcard src/$(folder)/*.c)))) \
		core_kinds hooks host host_rights perf_events program_stats source source_replay

FUZZ_TARGETS_ALL := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_OUT         := $(OUTPUT)/fuzz
FUZZ_LIBS        := -Wl,--wrap=interruptible_io__write -Wl,--as-needed $(LDLIBS)

# Everything that clang counts as undefined, and conversions of floats that are not integers. A finding ends the run.
FUZZ_SANITIZE := -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all
FUZZ_CFLAGS   := -O1 -g -fno-omit-frame-pointer $(FUZZ_SANITIZE) -fsanitize=fuzzer-no-link
COVERAGE_CFLAGS := -O0 -g -fprofile-instr-generate -fcoverage-mapping

# The targets that `make fuzz` runs, and for how long each; 0: until Ctrl-C.
FUZZ_SECONDS ?= 300
FUZZ_TARGETS ?= $(FUZZ_TARGETS_ALL)

.PHONY: fuzz fuzz-programs fuzz-coverage-programs fuzz-merge
fuzz: fuzz-programs
	$(Q)OUTPUT=$(OUTPUT) FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run $(FUZZ_TARGETS)

# Adds inputs that were found on this machine to the kept corpora, if they reach something new.
fuzz-merge: fuzz-programs
	$(Q)OUTPUT=$(OUTPUT) tests/fuzz/merge $(FUZZ_TARGETS)

fuzz-programs: $(FUZZ_TARGETS_ALL:%=$(FUZZ_OUT)/fuzz_%)

# For tests/fuzz/run --coverage.
fuzz-coverage-programs: $(FUZZ_TARGETS_ALL:%=$(FUZZ_OUT)/coverage/fuzz_%)

# $(call FUZZ_OBJECTS,FOLDER,TARGET): what a target links.
FUZZ_OBJECTS = $(1)/tests/fuzz_$(2).o $(patsubst %,$(1)/tests/%.o,fuzz $(fuzz_$(2)_HELPERS)) $(1)/libgtimehalt.a

define FUZZ_RULES
$(FUZZ_OUT)/fuzz_$(1): $$(call FUZZ_OBJECTS,$(FUZZ_OUT)/obj,$(1))
	$$(call msg,LINK,$$@)
	$$(Q)$$(CLANG) $$(FUZZ_SANITIZE) -fsanitize=fuzzer -o $$@ $$^ $$(FUZZ_LIBS)

$(FUZZ_OUT)/coverage/fuzz_$(1): $$(call FUZZ_OBJECTS,$(FUZZ_OUT)/coverage/obj,$(1))
	$$(call msg,LINK,$$@)
	$$(Q)$$(CLANG) $$(COVERAGE_CFLAGS) -fsanitize=fuzzer -o $$@ $$^ $$(FUZZ_LIBS)
endef
$(foreach target,$(FUZZ_TARGETS_ALL),$(eval $(call FUZZ_RULES,$(target))))

# $(call FUZZ_COMPILE,FOLDER,FLAGS): the rules to compile with these flags.
define FUZZ_COMPILE
$(1)/src/%.o: %.c | $(1)/src
	$$(call msg,CLANG,$$@)
	$$(Q)$$(CLANG) $$(STD) $(2) $$(WARN) -Wno-unknown-warning-option $$(CPPFLAGS) -MMD -MP -c -o $$@ $$<

$(1)/libgtimehalt.a: $(FUZZ_MODULES:%=$(1)/src/%.o)
	$$(call msg,AR,$$@)
	$$(Q)rm -f $$@ && $$(AR) rcs $$@ $$^

$(1)/tests/%.o: tests/fuzz/%.c | $(1)/tests
	$$(call msg,CLANG,$$@)
	$$(Q)$$(CLANG) $$(STD) $(2) $$(WARN) -Wno-unknown-warning-option $$(CPPFLAGS) -Itests/fuzz \
		-MMD -MP -c -o $$@ $$<

$(1)/src $(1)/tests:
	$$(Q)mkdir -p $$@
endef
$(eval $(call FUZZ_COMPILE,$(FUZZ_OUT)/obj,$(FUZZ_CFLAGS)))
$(eval $(call FUZZ_COMPILE,$(FUZZ_OUT)/coverage/obj,$(COVERAGE_CFLAGS)))

-include $(wildcard $(FUZZ_OUT)/obj/*/*.d $(FUZZ_OUT)/coverage/obj/*/*.d)
