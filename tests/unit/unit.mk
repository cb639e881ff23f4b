# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Unit tests: one program per module, run without root. Included by the Makefile.
#
# One line for each test: the modules (src/*.c) that it links. A tests/unit/test_X.c without a line
# fails the build, so that no test is left out silently.
test_account_MODULES := account
test_check_MODULES   := check render_check
test_hooks_MODULES   := hooks log
test_host_MODULES    := host hostfs log
test_hostfs_MODULES  := hostfs
test_number_MODULES  := number
options_MODULES      := options option_lists option_rules option_table filter columns number log hooks
test_options_MODULES := $(options_MODULES)
test_options_lists_MODULES := $(options_MODULES)
test_options_rules_MODULES := $(options_MODULES)
test_qemu_MODULES    := qemu number
test_render_MODULES   := render_table render_json columns utf8
test_render_LIBS     := -ljson-c
test_snapshot_MODULES := snapshot
test_top_bar_MODULES := top_bar
test_top_page_MODULES := $(filter-out top top_messages top_screen,$(notdir $(basename $(wildcard src/top*.c)))) \
			 columns line number render_notes stream time_text utf8 view vm_label
test_top_report_MODULES := top_report top_state top_keys view columns number utf8
test_top_state_MODULES := top_state top_keys view columns number utf8
test_utf8_MODULES    := utf8
test_vm_MODULES      := vm qemu hostfs number log utf8
# Libraries a test needs beyond cmocka, such as test_X_LIBS := -ljson-c.

# A test that hangs fails after this many seconds.
UNIT_TIMEOUT_S := 60

UNIT_TESTS := $(patsubst tests/unit/%.c,%,$(sort $(wildcard tests/unit/test_*.c)))
UNIT_BINS  := $(UNIT_TESTS:%=$(OUTPUT)/tests/unit/%)

.PHONY: test-unit
test-unit: $(UNIT_BINS)
	$(Q)failed=; for test in $^; do \
		timeout $(UNIT_TIMEOUT_S) $$test || failed="$$failed $${test##*/}"; \
	done; \
	if [ -n "$$failed" ]; then echo "test-unit: failed:$$failed" >&2; exit 1; fi

define UNIT_TEST_RULE
$(OUTPUT)/tests/unit/$(1): $(OUTPUT)/tests/unit/$(1).o $$($(1)_MODULES:%=$(OUTPUT)/src/%.o)
	$$(if $$($(1)_MODULES),,$$(error tests/unit/unit.mk has no line $(1)_MODULES))
	$$(call msg,LINK,$$@)
	$$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ -lcmocka $$($(1)_LIBS)
endef
$(foreach test,$(UNIT_TESTS),$(eval $(call UNIT_TEST_RULE,$(test))))

# A test function that nothing calls is a test that does not run.
$(OUTPUT)/tests/unit/%.o: tests/unit/%.c | $(OUTPUT)/tests/unit
	$(call msg,CC,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) -Werror=unused-function $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(OUTPUT)/tests/unit:
	$(Q)mkdir -p $@

-include $(UNIT_BINS:=.d)
