# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Completion of gtimehalt's options for bash. The bash-completion package finds and loads this file; nothing else of
# it is used. tests/cli/completion.bats compares the words below with the program's --help.

# Prints the PIDs of the processes that have a VM, as far as the caller may read their /proc/PID/fd.
_gtimehalt_pids() {
	find /proc/[0-9]*/fd -maxdepth 1 -lname anon_inode:kvm-vm 2>/dev/null | cut -d / -f 3 | uniq
}

# _gtimehalt_values OPTION WORD: sets COMPREPLY to the candidates for the value of the option. Fails if the option
# takes no value.
_gtimehalt_values() {
	local option=$1 word=$2 words

	case $option in
	--record | --replay | --html | --diff)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--mode) words='entry switch' ;;
	--hook) words='auto fentry kprobe tracepoint vcpu_enter_guest' ;;
	-s | --sort) words='idle halted loaded busy host wait blocked entries' ;;
	-p | --pid)
		# Complete the last item of a comma-separated list, and keep the items before it.
		local before=''
		[[ $word != *,* ]] || before=${word%,*},
		mapfile -t COMPREPLY < <(compgen -P "$before" -W "$(_gtimehalt_pids)" -- "${word##*,}")
		return
		;;
	--group)
		mapfile -t COMPREPLY < <(compgen -g -- "$word")
		return
		;;
	-t | --tid | -g | --guest | --vcpu | -r | --rows | -d | --duration | --mperf-ratio) words='' ;;
	*) return 1 ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

_gtimehalt() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local options='--pid --tid --guest --vcpu --per-vm --per-vcpu --sort --rows --histogram
		--milliseconds --nanoseconds --no-clear --summary --html --top --json --csv --duration --mode
		--hook --mperf-ratio --wait --pin --group --renew --unpin --record --replay --diff --from
		--to --check --verbose --version --help'

	COMPREPLY=()
	# "--mode=e" arrives as three words, because "=" is in COMP_WORDBREAKS.
	if [[ $word == = ]]; then
		word=''
	elif [[ $before == = ]] && ((COMP_CWORD > 1)); then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	# A value after combined short options belongs to the last of them.
	[[ ! $before =~ ^-[A-Za-z]+([A-Za-z])$ ]] || before=-${BASH_REMATCH[1]}
	# The second recording of --diff.
	[[ $word == -* || ${COMP_WORDS[COMP_CWORD - 2]-} != --diff ]] || before=--diff
	_gtimehalt_values "$before" "$word" && return
	[[ $word != -* ]] || mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
}

complete -F _gtimehalt gtimehalt
