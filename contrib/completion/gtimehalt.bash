# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Completion of gtimehalt for bash. Needs nothing of the bash-completion package but to be found by it.
# tests/cli/completion.bats holds the words below against what the program says of itself.

# The processes that hold a VM, as far as the caller may look into them.
_gtimehalt_pids() {
	find /proc/[0-9]*/fd -maxdepth 1 -lname anon_inode:kvm-vm 2>/dev/null | cut -d / -f 3 | uniq
}

# _gtimehalt_values OPTION WORD: candidates for the value of an option; fails when it has none to offer.
_gtimehalt_values() {
	local option=$1 word=$2 words

	case $option in
	--record | --replay | --textfile)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--mode) words='entry switch' ;;
	--hook) words='auto fentry kprobe tracepoint vcpu_enter_guest' ;;
	-s | --sort) words='halted loaded busy host wait blocked entries' ;;
	-p | --pid)
		# The last of a list: what is before it stays.
		local before=''
		[[ $word != *,* ]] || before=${word%,*},
		mapfile -t COMPREPLY < <(compgen -P "$before" -W "$(_gtimehalt_pids)" -- "${word##*,}")
		return
		;;
	--group)
		mapfile -t COMPREPLY < <(compgen -g -- "$word")
		return
		;;
	--user)
		mapfile -t COMPREPLY < <(compgen -u -- "$word")
		return
		;;
	-t | --tid | -g | --guest | --vcpu | -r | --rows | -d | --duration | --mperf-ratio | --exporter) words='' ;;
	*) return 1 ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

_gtimehalt() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local options='--pid --tid --guest --vcpu --per-vm --per-vcpu --sort --rows --histogram
		--milliseconds --nanoseconds --timestamp --no-clear --top --json --csv --duration --mode
		--hook --mperf-ratio --wait --pin --group --renew --unpin --record --replay
		--exporter --textfile --user --bpf-stats --check --verbose --version --help'

	COMPREPLY=()
	# "--mode=e" comes as three words, for "=" separates words here.
	if [[ $word == = ]]; then
		word=''
	elif [[ $before == = ]] && ((COMP_CWORD > 1)); then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	# The last of several short options is the one that a value belongs to.
	[[ ! $before =~ ^-[A-Za-z]+([A-Za-z])$ ]] || before=-${BASH_REMATCH[1]}
	_gtimehalt_values "$before" "$word" && return
	[[ $word != -* ]] || mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
}

complete -F _gtimehalt gtimehalt
