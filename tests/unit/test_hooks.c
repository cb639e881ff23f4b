// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include "capture.h"
#include "hooks.h"
#include "host.h"
#include "log.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof(*(array)))

/* In hook_point.target: the run function of the host at hand. */
#define RUN "*"

struct expected {
	size_t point_cnt;
	struct hook_point points[HOOK_POINTS_MAX];
	const char *window_hook, *stint_hook;
};

#define FENTRY_PUT                                                      \
	{                                                               \
		"fentry_vcpu_put", ATTACH_FENTRY, "kvm_arch_vcpu_put"   \
	}
#define FENTRY_LOAD                                                     \
	{                                                               \
		"fentry_vcpu_load", ATTACH_FENTRY, "kvm_arch_vcpu_load" \
	}
#define KPROBE_PUT                                                      \
	{                                                               \
		"kprobe_vcpu_put", ATTACH_KPROBE, "kvm_arch_vcpu_put"   \
	}
#define KPROBE_LOAD                                                     \
	{                                                               \
		"kprobe_vcpu_load", ATTACH_KPROBE, "kvm_arch_vcpu_load" \
	}

