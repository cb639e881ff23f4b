# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The programs that the bed compiles with this machine's compiler: the plugin, and those that the self-test runs in
# L1. Sourced by ../bed.

plugin_is_done()
{
	local out

	for out in mperf.so spin l2probe; do
		[[ $BED_DIR/bin/$out -nt $BED_HERE/plugin/${out%.so}.c ]] || return
	done
}

plugin_setup()
{
	local -a glib

	plugin_is_done && return
	note "building the plugin"
	mkdir -p "$BED_DIR/bin"
	read -r -a glib < <(pkg-config --cflags --libs glib-2.0)
	plugin_build mperf.so -fvisibility=hidden -shared -fPIC "${glib[@]}" -lm
	plugin_build spin -static
	plugin_build l2probe -static
}

# plugin_build OUTPUT FLAGS...: compiles the C file of the same name.
plugin_build()
{
	local out=$BED_DIR/bin/$1 src=$BED_HERE/plugin/${1%.so}.c

	shift
	gcc -std=gnu11 -O2 -Wall -Wextra -Wtype-limits -Werror -o "$out.new" "$src" "$@" ||
		die "could not build ${out##*/}"
	mv "$out.new" "$out"
}
