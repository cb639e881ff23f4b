# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The programs that tests/instrumented/run needs. Included by tests/tests.mk.

INSTRUMENTED := $(OUTPUT)/instrumented

# Everything that gcc counts as undefined, and conversions of floats that are not integers. A finding ends the
# program.
INSTRUMENTED_CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined,float-cast-overflow \
		       -fno-sanitize-recover=all --coverage -fprofile-update=single

# Tests of the instruments themselves.
FAULTY := $(OUTPUT)/tests/instrumented/faulty

.PHONY: coverage instrumented-programs instrumented-here valgrind-programs

# Prints a table of how much of the sources the unit tests and the command line tests reach; the table is kept.
coverage: test-deps
	$(Q)OUTPUT=$(OUTPUT) tests/run sanitizers-all
	@echo 'the table is in $(OUTPUT)/tests/coverage.txt'

# A separate build by gcc, because clang's coverage is not compatible with gcov. -w: the normal build has already
# reported its warnings, and with these options gcc warns of paths that do not exist. -u: functions that hooks.c calls
# if present.
instrumented-programs: $(INSTRUMENTED)/instrument.o
	$(Q)CPPFLAGS=-w $(MAKE) --no-print-directory OUTPUT=$(INSTRUMENTED) LINK_DIR=$(INSTRUMENTED)/link CC=gcc \
		CFLAGS='$(INSTRUMENTED_CFLAGS)' LDFLAGS='-Wl,-u,__gcov_dump,-u,__gcov_reset' \
		HOOKS='$(INSTRUMENTED)/instrument.o' instrumented-here

INSTRUMENTED_PROGRAMS := $(OUTPUT)/gtimehalt $(OUTPUT)/gtimehalt-exporter $(UNIT_BINS) $(REPORTS) $(TOP_FEEDER) $(FAULTY)

instrumented-here: $(INSTRUMENTED_PROGRAMS)

valgrind-programs: $(INSTRUMENTED_PROGRAMS) $(INSTRUMENTED)/instrument.so

# The rule above passes HOOKS to the make that it calls: an additional object for each program.
ifdef HOOKS
$(INSTRUMENTED_PROGRAMS): $(HOOKS)
endif

# The object has another name than its source, because the make below would otherwise take hooks.c for the source of a
# module of that name, if it is newer.
$(INSTRUMENTED)/instrument.%: tests/instrumented/hooks.c
	$(Q)mkdir -p $(@D)
	$(call msg,CC,$@)
	$(Q)gcc $(STD) -O1 -g $(WARN) -D_GNU_SOURCE -fPIC $(if $(filter so,$*),-shared,-c) -o $@ $<

$(FAULTY): $(FAULTY).o $(LIBRARY)
	$(call msg,LINK,$@)
	$(Q)$(LINK)

# Its faults are intentional, so that the compiler must not warn of them.
$(FAULTY).o: tests/instrumented/faulty.c
	$(Q)mkdir -p $(@D)
	$(call msg,CC,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) -Wno-use-after-free -Wno-maybe-uninitialized $(CPPFLAGS) -MMD -MP -c -o $@ $<

-include $(FAULTY).d
