# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Half an hour of churn. Included by the Makefile at the top, through tests/tests.mk.

SOAK_HEAP := $(OUTPUT)/tests/soak/heap.so

$(SOAK_HEAP): tests/soak/heap.c
	$(Q)mkdir -p $(@D)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) -fno-builtin -fPIC -shared -o $@ $<

.PHONY: soak soak-programs
soak-programs: all $(PAYLOAD) $(SOAK_HEAP)

# From a bare machine. SOAK_MINUTES= and KERNEL= choose; see tests/soak/run.
soak: test-deps
	$(Q)$(MAKE) --no-print-directory soak-programs
	$(Q)OUTPUT=$(OUTPUT) SOAK_MINUTES=$(SOAK_MINUTES) tests/soak/run $(KERNEL)
