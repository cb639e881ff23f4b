# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The soak test. Included by the Makefile, through tests/tests.mk.

SOAK_HEAP := $(OUTPUT)/tests/soak/heap.so

$(SOAK_HEAP): tests/soak/heap.c
	$(Q)mkdir -p $(@D)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) -fno-builtin -fPIC -shared -o $@ $<

.PHONY: soak soak-programs
soak-programs: all $(PAYLOAD) $(SOAK_HEAP)

# Installs and builds everything needed. SOAK_MINUTES= and KERNEL= choose; see tests/soak/run.
soak: test-deps
	$(Q)$(MAKE) --no-print-directory soak-programs
	$(Q)OUTPUT=$(OUTPUT) SOAK_MINUTES=$(SOAK_MINUTES) tests/soak/run $(KERNEL)
