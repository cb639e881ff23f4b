/* SPDX-License-Identifier: GPL-2.0-only */
#include "kernel_types_612.h"
