// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <string.h>
#include <sys/types.h>
#include "base/hostfs.h"
#include "measure/acpi_pad.h"

/* Older kernels have the driver on the ACPI bus. A host has at most one such device. */
static const char *const files[] = {
	"sys/bus/platform/drivers/processor_aggregator/ACPI000C:00/idlecpus",
	"sys/bus/acpi/drivers/processor_aggregator/ACPI000C:00/idlecpus",
};

bool acpi_pad__halts(const struct hostfs *fs)
{
	char mask[2048];

	/*
	 * The file has a hexadecimal mask of the CPUs that the driver's threads are on; 0 without
	 * threads.
	 */
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (hostfs__read(fs, mask, sizeof(mask), "%s", files[i]) > 0)
			return strpbrk(mask, "123456789abcdef") != NULL;
	return false;
}
