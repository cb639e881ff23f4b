# SPDX-License-Identifier: GPL-2.0-or-later
# What measures the cost of the tool. Included by the Makefile at the top, through tests/tests.mk.

BENCH_OUT := $(OUTPUT)/tests/bench
SWITCHES  := $(BENCH_OUT)/switches

# Static, because it runs in machines of other distributions.
$(SWITCHES): tests/bench/switches.c
	$(Q)mkdir -p $(@D)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) -static -pthread -o $@ $<
