# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Programs that the tests of the command line need beside the tool. Included by tests/tests.mk.

TOP_FEEDER := $(OUTPUT)/tests/cli/top_feeder

$(TOP_FEEDER): $(TOP_FEEDER).o $(LIBRARY)
	$(call msg,LINK,$@)
	$(Q)$(LINK)

$(OUTPUT)/tests/cli/%.o: tests/cli/%.c | $(OUTPUT)/tests/cli
	$(call msg,CC,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(OUTPUT)/tests/cli:
	$(Q)mkdir -p $@

-include $(TOP_FEEDER:=.d)
