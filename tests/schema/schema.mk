# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# A program that prints JSON of every form and shape, for the validator. Included by tests/tests.mk.
REPORTS := $(OUTPUT)/tests/schema/reports

$(REPORTS): $(REPORTS).o $(addprefix $(OUTPUT)/src/,$(addsuffix .o,render_json render_summary render_diff summary diff timeline \
		spent json_text histogram columns line stream time_text utf8 view))
	$(call msg,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcmocka -ljson-c -lm

$(REPORTS).o: tests/schema/reports.c
	$(Q)mkdir -p $(@D)
	$(call msg,CC,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) $(CPPFLAGS) -MMD -MP -c -o $@ $<

-include $(REPORTS).d
