#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The image and the DaemonSet agree with the unit and with the program. No image is built: that needs a registry.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../../contrib" || return
	/usr/bin/python3 -c 'import json, yaml; json.dump(list(yaml.safe_load_all(open("oci/daemonset.yml"))), open("'"$BATS_TEST_TMPDIR"'/set", "w"))'
	set=$BATS_TEST_TMPDIR/set
	container='.[0].spec.template.spec.containers[0]'
}

# The container begins as root and changes to nobody, the unit begins as its user: hence SETUID and SETGID.
@test "the container has the capabilities of the unit, SETUID and SETGID" {
	diff <(jq -r "$container.securityContext.capabilities.add[]" "$set" | sort) \
		<({
			sed -n 's/^CapabilityBoundingSet=//p' systemd/gtimehalt-exporter.service.in | tr ' ' '\n' | sed 's/^CAP_//'
			printf 'SETUID\nSETGID\n'
		} | sort)
}

@test "the exporter takes the container's arguments, and listens on the port that is scraped" {
	local port args
	port=$(jq -r "$container.ports[0].containerPort" "$set")
	mapfile -t args < <(jq -r "$container.args[]" "$set")
	[[ ${args[0]} == --listen=*:$port ]]
	[[ $(jq -r '.[0].spec.template.metadata.annotations["prometheus.io/port"]' "$set") == "$port" ]]
	grep -qx "EXPOSE $port" oci/Containerfile
	# A wrong address would be refused before --help.
	run -0 "../.output/gtimehalt-exporter" "${args[@]}" --help
}

@test "the pod is in the host's PID namespace, and the policy is that of its label" {
	jq -e '.[0].spec.template.spec.hostPID' "$set"
	jq -e '.[0].spec.template.metadata.labels == .[1].spec.podSelector.matchLabels' "$set"
	jq -e '.[0].metadata.namespace == .[1].metadata.namespace' "$set"
}

@test "the image installs what make deb builds" {
	local package program
	package=$(sed -n 's:^COPY --from=build .*/\([a-z-]*\)_\*[.]deb .*:\1:p' oci/Containerfile)
	program=$(sed -n 's:^ENTRYPOINT \["/\(.*\)"\]$:\1:p' oci/Containerfile)
	grep -qx "Package: $package" ../debian/control
	grep -qx "$program" "../debian/$package.install"
}
