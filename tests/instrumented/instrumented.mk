# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# The programs that the tests of tests/instrumented/run need. Included by tests/tests.mk.

INSTRUMENTED := $(OUTPUT)/instrumented

# What gcc calls undefined, and a float that is no integer; what is found ends the program, at once.
INSTRUMENTED_CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined,float-cast-overflow \
		       -fno-sanitize-recover=all --coverage -fprofile-update=single

# Tests of the instruments themselves.
FAULTY         := $(OUTPUT)/tests/instrumented/faulty
FAULTY_MODULES := privileges syscall_filter exporter_syscalls $(LOG_MODULES)

.PHONY: coverage instrumented-programs instrumented-here valgrind-programs

# How much of the sources the unit tests and those of the command line reach: a table, which stays.
coverage: test-deps
	$(Q)OUTPUT=$(OUTPUT) tests/run sanitizers-all
	@echo 'this table: $(OUTPUT)/tests/coverage.txt'

# A build of its own, by gcc: clang's coverage is not gcov's. What is to be warned of the ordinary build has been told;
# in this one gcc sees more paths than there are. The -u are what hooks.c calls if it is there.
instrumented-programs: $(INSTRUMENTED)/instrument.o
	$(Q)CPPFLAGS=-w $(MAKE) --no-print-directory OUTPUT=$(INSTRUMENTED) LINK_DIR=$(INSTRUMENTED)/link CC=gcc \
		CFLAGS='$(INSTRUMENTED_CFLAGS)' LDFLAGS='-Wl,-u,__gcov_dump,-u,__gcov_reset' \
		HOOKS='$(INSTRUMENTED)/instrument.o' instrumented-here

INSTRUMENTED_PROGRAMS := $(OUTPUT)/gtimehalt $(UNIT_BINS) $(REPORTS) $(TOP_FEEDER) $(FAULTY)

instrumented-here: $(INSTRUMENTED_PROGRAMS)

valgrind-programs: $(INSTRUMENTED_PROGRAMS) $(INSTRUMENTED)/instrument.so

# Given by the rule above, to the make that it calls: one object more in each program.
ifdef HOOKS
$(INSTRUMENTED_PROGRAMS): $(HOOKS)
endif

# The name is no module's: else the make below would take that module's source for it, where that is newer.
$(INSTRUMENTED)/instrument.%: tests/instrumented/hooks.c
	$(Q)mkdir -p $(@D)
	$(call msg,CC,$@)
	$(Q)gcc $(STD) -O1 -g $(WARN) -D_GNU_SOURCE -fPIC $(if $(filter so,$*),-shared,-c) -o $@ $<

$(FAULTY): $(FAULTY).o $(FAULTY_MODULES:%=$(OUTPUT)/src/%.o)
	$(call msg,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lcap-ng -lseccomp

# What it does wrong is what it is for.
$(FAULTY).o: tests/instrumented/faulty.c
	$(Q)mkdir -p $(@D)
	$(call msg,CC,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) -Wno-use-after-free -Wno-maybe-uninitialized $(CPPFLAGS) -MMD -MP -c -o $@ $<

-include $(FAULTY).d
