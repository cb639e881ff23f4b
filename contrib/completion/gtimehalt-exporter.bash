# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Completion of gtimehalt-exporter's options for bash. tests/cli/completion.bats compares the words below with the
# program's --help.

_gtimehalt_exporter() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} words=''
	local options='--pid --guest --histogram --listen --textfile --mode --hook --mperf-ratio --wait --replay
		--user --bpf-stats --verbose --version --help'

	COMPREPLY=()
	# "--mode=e" arrives as three words, because "=" is in COMP_WORDBREAKS.
	if [[ $word == = ]]; then
		word=''
	elif [[ $before == = ]] && ((COMP_CWORD > 1)); then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	# A value after combined short options belongs to the last of them.
	[[ ! $before =~ ^-[A-Za-z]+([A-Za-z])$ ]] || before=-${BASH_REMATCH[1]}
	case $before in
	--replay | --textfile)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--user)
		mapfile -t COMPREPLY < <(compgen -u -- "$word")
		return
		;;
	-p | --pid) words=$(find /proc/[0-9]*/fd -maxdepth 1 -lname anon_inode:kvm-vm 2>/dev/null | cut -d / -f 3 | uniq) ;;
	--mode) words='entry switch' ;;
	--hook) words='auto fentry kprobe tracepoint vcpu_enter_guest' ;;
	-g | --guest | --listen | --mperf-ratio) return ;;
	*) [[ $word != -* ]] || words=$options ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _gtimehalt_exporter gtimehalt-exporter
