# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the bed itself compiles. Sourced by ../bed.

# Builds the plugin, and what the self-test runs in L1, with the host's compiler.
plugin_setup()
{
	local -a cflags=(-std=gnu11 -O2 -Wall -Wextra -Wtype-limits -Werror) glib

	read -r -a glib < <(pkg-config --cflags --libs glib-2.0)
	mkdir -p "$BED_DIR/bin"
	plugin_build mperf.c mperf.so -fvisibility=hidden -shared -fPIC "${glib[@]}" -lm
	plugin_build spin.c spin -static
	plugin_build l2probe.c l2probe -static
}

plugin_build()
{
	local src=$BED_HERE/plugin/$1 out=$BED_DIR/bin/$2

	shift 2
	[[ $out -nt $src ]] && return
	note "building ${out##*/}"
	gcc "${cflags[@]}" -o "$out.new" "$src" "$@" || die "could not build ${out##*/}"
	mv "$out.new" "$out"
}
