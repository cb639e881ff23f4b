# SPDX-License-Identifier: GPL-2.0-or-later
# A program that loads the tool's BPF programs one by one. Included by tests/tests.mk.

LOAD_PROGRAMS := $(OUTPUT)/tests/load_programs

$(LOAD_PROGRAMS): tests/vm/programs/load_programs.c $(OUTPUT)/gtimehalt.skel.h
	$(call msg,TEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) $(CPPFLAGS) -MMD -MP -o $@ $< -lbpf

-include $(LOAD_PROGRAMS).d

# Programs that do what VMMs and perf can do, in the bed. Static, for old C libraries.
ODD_PROGRAMS := $(addprefix $(OUTPUT)/tests/,odd_vmm ping_pong clock_tick)

$(ODD_PROGRAMS): $(OUTPUT)/tests/%: tests/vm/programs/%.c
	$(call msg,TEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) -static -pthread -o $@ $<
