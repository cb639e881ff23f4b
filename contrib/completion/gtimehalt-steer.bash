# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
#
# Bash completion of gtimehalt-steer. tests/cli/steer.bats checks that the options are those of --help.

# Completes paths of cgroups, one level at a time.
_gtimehalt_steer_cgroups() {
	local root=${GTIMEHALT_CGROUPS:-/sys/fs/cgroup} word=$1 path

	COMPREPLY=()
	while read -r path; do
		COMPREPLY+=("${path#"$root/"}")
	done < <(compgen -d -- "$root/$word")
	compopt -o filenames -o nospace 2>/dev/null
}

_gtimehalt_steer() {
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local options='--busy --halted --dwell --min --rate --mperf-ratio --dry-run --json --textfile --user --verbose
		--sched --status --unsteer --version --help'

	COMPREPLY=()
	# Readline splits "--user=n" into three words, because "=" is in COMP_WORDBREAKS.
	if [[ $word == = ]]; then
		word=''
	elif [[ $before == = ]] && ((COMP_CWORD > 1)); then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	case $before in
	--busy | --halted | --dwell | --min | --rate | --mperf-ratio) return ;;
	--textfile)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	--user)
		mapfile -t COMPREPLY < <(compgen -u -- "$word")
		return
		;;
	esac
	if [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
	else
		_gtimehalt_steer_cgroups "$word"
	fi
}

complete -F _gtimehalt_steer gtimehalt-steer
