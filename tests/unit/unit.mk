# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Unit tests: each tests/unit/test_*.c is a program, run without root. Included by the Makefile.
#
# Each program links libgtimehalt.a, of which the linker takes the modules that the test needs. A test that replaces a
# function names it here, and defines __wrap_FUNCTION().
test_http_server_WRAPPED := clock__now_ns
test_json_text_WRAPPED := printbuf_memappend
test_kvm_wait_WRAPPED := interval__start interval__wait
test_interruptible_io_WRAPPED := poll
test_render_json_WRAPPED := printbuf_memappend
test_scale_WRAPPED := openat readlinkat faccessat
test_source_live_WRAPPED := plan__make usleep clock__now_ns host__warn_of_hypervisor
test_top_stuck_WRAPPED := poll setitimer

UNIT_TESTS := $(patsubst tests/unit/%.c,%,$(sort $(wildcard tests/unit/test_*.c)))
UNIT_BINS  := $(UNIT_TESTS:%=$(OUTPUT)/tests/unit/%)

.PHONY: test-unit
test-unit: $(UNIT_BINS)
	$(Q)OUTPUT=$(OUTPUT) tests/run unit

$(UNIT_BINS): %: %.o $(LIBRARY)
	$(call msg,LINK,$@)
	$(Q)$(LINK) -lcmocka -lm $($(@F)_WRAPPED:%=-Wl,--wrap=%)

# -Werror=unused-function: a test function that nothing calls is a test that does not run.
$(OUTPUT)/tests/unit/%.o: tests/unit/%.c | $(OUTPUT)/tests/unit
	$(call msg,CC,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) -Werror=unused-function $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(OUTPUT)/tests/unit:
	$(Q)mkdir -p $@

-include $(UNIT_BINS:=.d)
