# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Fuzz targets, by clang's libFuzzer. Included by tests/tests.mk; tests/fuzz/README.md says how to use them.
#
# One line for each target lists the modules (src/*/*.c) that it links, and further files. A tests/fuzz/fuzz_X.c
# without a line fails the build, so that no target is left out silently.

# Everything that writes a report in all forms.
FUZZ_SHOWN := account span histogram columns host_text spent view show summary render_summary render_diff diff timeline render_check render_csv render_histogram render_json \
	      render_notes render_table json_text line stream time_text utf8 vm_label \
	      metrics_text metrics_families metrics_writer totals total_list
FUZZ_SHOWN_HELPERS := shown forms
FUZZ_RECORDING := $(recording_MODULES)

fuzz_vmm_MODULES     := vmm qemu cmdline cgroup number
fuzz_process_MODULES := roster unseen vm_table asked filter $(VM_MODULES) $(FUZZ_RECORDING)
fuzz_process_HELPERS := shown tree_text
fuzz_host_MODULES    := host host_rights hooks counters core_kinds self program_stats clock hostfs $(LOG_MODULES) number proc
fuzz_host_HELPERS    := tree_text
fuzz_recording_MODULES := source source_replay filter $(LOG_MODULES) $(FUZZ_RECORDING) $(FUZZ_SHOWN)
fuzz_recording_HELPERS := recordings $(FUZZ_SHOWN_HELPERS)
fuzz_report_MODULES  := $(FUZZ_RECORDING) $(FUZZ_SHOWN)
fuzz_report_HELPERS  := recordings $(FUZZ_SHOWN_HELPERS)
fuzz_names_MODULES   := $(LOG_MODULES) number $(FUZZ_SHOWN) \
			$(filter-out top top_messages top_screen top_stuck,$(notdir $(basename $(wildcard src/top/*.c))))
fuzz_names_HELPERS   := screen $(FUZZ_SHOWN_HELPERS)
fuzz_top_MODULES     := number columns view render_notes line stream time_text utf8 vm_label account span histogram host_text spent \
			totals total_list \
			$(filter-out top top_messages top_screen top_stuck,$(notdir $(basename $(wildcard src/top/*.c))))
fuzz_top_HELPERS     := screen shown
fuzz_options_MODULES := $(options_MODULES) snapshot
fuzz_words_MODULES   := number host_rights accept listen_address columns core_kinds counters clock hostfs $(LOG_MODULES)
fuzz_http_MODULES    := http_server http_connections accept listen_address clock $(LOG_MODULES) number

FUZZ_TARGETS_ALL := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_OUT         := $(OUTPUT)/fuzz
FUZZ_LIBS        := -Wl,--wrap=patient__write -lbpf -ljson-c -lmicrohttpd -lm

# Everything that clang counts as undefined, and conversions of floats that are not integers. A finding ends the run.
FUZZ_SANITIZE := -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all
FUZZ_CFLAGS   := -O1 -g -fno-omit-frame-pointer $(FUZZ_SANITIZE) -fsanitize=fuzzer-no-link
COVERAGE_CFLAGS := -O0 -g -fprofile-instr-generate -fcoverage-mapping

# The targets that `make fuzz` runs, and for how long each; 0: until Ctrl-C.
FUZZ_SECONDS ?= 300
FUZZ_TARGETS ?= $(FUZZ_TARGETS_ALL)

.PHONY: fuzz fuzz-programs fuzz-merge
fuzz: fuzz-programs
	$(Q)OUTPUT=$(OUTPUT) FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run $(FUZZ_TARGETS)

# Adds inputs that were found on this machine to the kept corpora, if they reach something new.
fuzz-merge: fuzz-programs
	$(Q)OUTPUT=$(OUTPUT) tests/fuzz/merge $(FUZZ_TARGETS)

fuzz-programs: $(FUZZ_TARGETS_ALL:%=$(FUZZ_OUT)/fuzz_%) $(FUZZ_TARGETS_ALL:%=$(FUZZ_OUT)/coverage/fuzz_%)

# $(call FUZZ_OBJECTS,FOLDER,TARGET): the objects that a target links.
FUZZ_OBJECTS = $(1)/tests/fuzz_$(2).o $(patsubst %,$(1)/tests/%.o,fuzz $(fuzz_$(2)_HELPERS)) \
	       $(patsubst %,$(1)/src/%.o,$(sort $(fuzz_$(2)_MODULES)))

define FUZZ_RULES
$(FUZZ_OUT)/fuzz_$(1): $$(call FUZZ_OBJECTS,$(FUZZ_OUT)/obj,$(1))
	$$(if $$(fuzz_$(1)_MODULES),,$$(error tests/fuzz/fuzz.mk has no line fuzz_$(1)_MODULES))
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
