/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* test - cmocka, with the headers that it needs but does not include. */
#ifndef TEST_H
#define TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#endif /* TEST_H */
