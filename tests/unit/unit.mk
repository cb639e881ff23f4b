# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Unit tests: one program per module, run without root. Included by the Makefile.
#
# One line for each test lists the modules (src/*/*.c) that it links. A tests/unit/test_X.c without a line fails the
# build, so that no test is left out silently.

# Everything that printing messages needs.
LOG_MODULES := log patient ending_signals utf8

# Everything that finding VMs needs.
VM_MODULES := vm vcpu_threads kvm_debugfs proc vmm qemu cmdline cgroup hostfs number $(LOG_MODULES) utf8

test_accept_MODULES  := accept
test_account_MODULES := account span histogram
test_acpi_pad_MODULES := acpi_pad hostfs
test_asked_MODULES   := asked filter snapshot vm_table $(VM_MODULES)
test_check_MODULES   := check render_check
test_core_kinds_MODULES := core_kinds hostfs $(LOG_MODULES)
test_columns_MODULES := columns view
test_exporter_syscalls_MODULES := exporter_syscalls syscall_filter
test_exporter_syscalls_LIBS := -lseccomp
test_filter_MODULES  := filter snapshot
test_ending_signals_MODULES := ending_signals
test_histogram_MODULES := histogram
test_histogram_LIBS  := -lm
test_hook_watch_MODULES := hook_watch hooks hostfs $(LOG_MODULES)
test_hooks_MODULES := hooks $(LOG_MODULES)
test_host_MODULES := host hostfs $(LOG_MODULES) host_rights
test_host_rights_MODULES := host_rights hostfs $(LOG_MODULES)
test_hostfs_MODULES  := hostfs
test_http_server_MODULES := http_server http_connections accept listen_address clock $(LOG_MODULES) number
test_http_server_LIBS := -lmicrohttpd -Wl,--wrap=clock__now_ns
test_interval_MODULES := interval ending_signals
test_json_text_MODULES := json_text stream utf8
test_json_text_LIBS  := -ljson-c -Wl,--wrap=printbuf_memappend
test_kvm_wait_MODULES := kvm_wait host hostfs interval ending_signals $(LOG_MODULES) host_rights
test_kvm_wait_LIBS := -Wl,--wrap=interval__start,--wrap=interval__wait
test_line_MODULES    := line utf8
test_log_MODULES     := $(LOG_MODULES)
test_tally_MODULES   := tally source totals columns total_list account span snapshot histogram filter utf8 clock $(LOG_MODULES)
test_metrics_text_MODULES := metrics_text metrics_families metrics_writer totals total_list histogram utf8 columns stream
test_number_MODULES  := number
test_opener_MODULES  := opener privileges syscall_filter process_title number $(LOG_MODULES)
test_opener_LIBS     := -lcap-ng -lseccomp
options_MODULES      := options listen_address option_table option_values filter columns number $(LOG_MODULES) hooks
test_options_MODULES := $(options_MODULES)
test_listen_address_MODULES := listen_address number
test_option_lists_MODULES := $(options_MODULES)
test_option_rules_MODULES := $(options_MODULES)
test_option_table_MODULES := $(options_MODULES)
text_MODULES         := columns host_text spent line stream time_text utf8 view vm_label
test_diff_MODULES    := diff timeline render_diff json_text $(text_MODULES)
test_diff_LIBS       := -ljson-c -lm
test_render_csv_MODULES   := render_csv $(text_MODULES)
test_render_histogram_MODULES := render_histogram histogram render_notes render_table $(text_MODULES)
test_render_json_MODULES  := render_json json_text histogram $(text_MODULES)
test_render_json_LIBS     := -ljson-c -Wl,--wrap=printbuf_memappend
test_render_notes_MODULES := render_notes $(text_MODULES)
test_render_table_MODULES := render_table render_notes $(text_MODULES)
test_render_page_MODULES := render_page summary timeline histogram $(text_MODULES)
test_render_page_LIBS := -ljson-c
test_service_MODULES := service clock $(LOG_MODULES)
test_service_LIBS    := -lsystemd
test_show_MODULES    := show summary render_summary render_diff diff timeline render_check render_csv render_histogram render_json render_notes render_table \
			json_text histogram $(text_MODULES)
test_show_LIBS       := -ljson-c -lm
test_cgroup_MODULES  := cgroup
test_cmdline_MODULES := cmdline
test_fixtures_MODULES := vm_table $(VM_MODULES)
test_kvm_debugfs_MODULES := kvm_debugfs hostfs number
test_patient_MODULES := patient ending_signals
test_patient_LIBS := -Wl,--wrap=poll
test_pid_space_MODULES := pid_space hostfs $(LOG_MODULES)
test_program_MODULES := program stream view columns $(LOG_MODULES)
test_privileges_MODULES := privileges syscall_filter $(LOG_MODULES)
test_privileges_LIBS := -lcap-ng -lseccomp
test_process_title_MODULES := process_title number
test_proc_MODULES    := proc hostfs number
test_qemu_MODULES    := qemu cmdline number
test_roster_MODULES  := roster unseen vm_table snapshot $(VM_MODULES)
test_roster_closed_MODULES := roster unseen vm_table snapshot $(VM_MODULES)
test_scale_MODULES   := roster unseen vm_table snapshot $(VM_MODULES)
recording_MODULES    := recording_decode recording_encode recording_fields recording_parse \
			recording_reader recording_writer snapshot span columns utf8 patient ending_signals
test_recording_MODULES := $(recording_MODULES)
test_recording_LIBS  := -ljson-c
test_recording_hostile_MODULES := $(recording_MODULES) account histogram
test_recording_hostile_LIBS := -ljson-c
test_recording_refusals_MODULES := $(recording_MODULES)
test_recording_refusals_LIBS := -ljson-c
test_recording_writer_MODULES := $(recording_MODULES)
test_recording_writer_LIBS := -ljson-c
test_recorder_MODULES := recorder $(LOG_MODULES) $(recording_MODULES)
test_recorder_LIBS   := -ljson-c
test_scale_LIBS      := -Wl,--wrap=openat,--wrap=readlinkat,--wrap=faccessat
test_snapshot_MODULES := snapshot
# Everything that measuring on the running kernel needs.
test_source_live_MODULES := $(notdir $(basename $(foreach folder,base measure options report rights vm,\
				$(wildcard src/$(folder)/*.c)))) stream utf8 source source_live pin_command
test_source_live_LIBS := -lbpf -lcap-ng -lseccomp \
			 -Wl,--wrap=plan__make,--wrap=usleep,--wrap=clock__now_ns,--wrap=host__warn_of_hypervisor
test_source_replay_MODULES := source source_replay filter $(LOG_MODULES) $(recording_MODULES)
test_source_replay_LIBS := -ljson-c
test_summary_MODULES := summary render_summary json_text $(text_MODULES)
test_summary_LIBS    := -ljson-c
test_spent_MODULES   := spent host_text columns view
test_stream_MODULES  := stream view columns
test_textfile_MODULES := textfile $(LOG_MODULES)
test_timeline_MODULES := timeline $(text_MODULES)
test_time_text_MODULES := time_text
test_top_bar_MODULES := top_bar
test_top_page_MODULES := $(filter-out top top_messages top_screen top_stuck,$(notdir $(basename $(wildcard src/top/*.c)))) \
			 columns host_text spent line number render_notes stream time_text utf8 view vm_label
test_top_report_MODULES := top_report top_state top_keys view columns number utf8
test_top_state_MODULES := top_state top_keys view columns number utf8
test_top_stuck_MODULES := top_stuck ending_signals
test_top_stuck_LIBS := -Wl,--wrap=poll,--wrap=setitimer
test_totals_MODULES  := totals total_list histogram utf8 view columns
test_sums_reader_MODULES := sums_reader snapshot clock
test_utf8_MODULES    := utf8
test_vcpu_threads_MODULES := vcpu_threads kvm_debugfs proc vmm qemu cmdline hostfs number
test_cpus_MODULES    := cpus
test_cpuset_MODULES  := cpuset cpus topology hostfs number
test_journal_MODULES := journal group unit cpuset cpus hostfs number $(LOG_MODULES)
test_journal_LIBS    := -lsystemd
test_load_MODULES    := load
test_policy_MODULES  := policy cpus
test_sched_host_MODULES := sched_host hostfs $(LOG_MODULES)
test_sched_host_LIBS := -lbpf
test_steered_MODULES := steered policy group unit cpuset cpus hostfs number $(LOG_MODULES)
test_steered_LIBS    := -lsystemd
test_unit_MODULES    := unit cpus
test_unit_LIBS       := -lsystemd
test_view_MODULES    := view columns
test_vm_label_MODULES := vm_label view columns line utf8
test_vm_MODULES      := $(VM_MODULES)
test_vm_table_MODULES := vm_table $(VM_MODULES)
test_vmm_MODULES     := vmm qemu cmdline number

# Libraries a test needs beyond cmocka, such as test_X_LIBS := -ljson-c.

UNIT_TESTS := $(patsubst tests/unit/%.c,%,$(sort $(wildcard tests/unit/test_*.c)))
UNIT_BINS  := $(UNIT_TESTS:%=$(OUTPUT)/tests/unit/%)

.PHONY: test-unit
test-unit: $(UNIT_BINS)
	$(Q)OUTPUT=$(OUTPUT) tests/run unit

define UNIT_TEST_RULE
$(OUTPUT)/tests/unit/$(1): $(OUTPUT)/tests/unit/$(1).o $$($(1)_MODULES:%=$(OUTPUT)/src/%.o)
	$$(if $$($(1)_MODULES),,$$(error tests/unit/unit.mk has no line $(1)_MODULES))
	$$(call msg,LINK,$$@)
	$$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$^ -lcmocka $$($(1)_LIBS)
endef
$(foreach test,$(UNIT_TESTS),$(eval $(call UNIT_TEST_RULE,$(test))))

# -Werror=unused-function: a test function that nothing calls is a test that does not run.
$(OUTPUT)/tests/unit/%.o: tests/unit/%.c | $(OUTPUT)/tests/unit
	$(call msg,CC,$@)
	$(Q)$(CC) $(STD) $(CFLAGS) $(WARN) -Werror=unused-function $(CPPFLAGS) -MMD -MP -c -o $@ $<

$(OUTPUT)/tests/unit:
	$(Q)mkdir -p $@

-include $(UNIT_BINS:=.d)
