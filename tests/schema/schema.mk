# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A program that prints JSON of every shape, for the validator. Included by tests/tests.mk.
REPORTS := $(OUTPUT)/tests/schema/reports

$(REPORTS): $(REPORTS).o $(LIBRARY)
	$(call msg,LINK,$@)
	$(Q)$(LINK) -lcmocka

$(REPORTS).o: tests/schema/reports.c
	$(Q)mkdir -p $(@D)
	$(call msg,CC,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) $(CPPFLAGS) -MMD -MP -c -o $@ $<

-include $(REPORTS).d
