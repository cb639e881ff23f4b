/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * accept - which form of metrics a client wants, by the Accept field of its request (RFC 9110). Pure.
 */
#ifndef ACCEPT_H
#define ACCEPT_H

#include "export/metrics_text.h"

/*
 * OpenMetrics for who names it (application/openmetrics-text, without a version or with 1.0.0) and does not
 * name plain text with a higher quality; Prometheus text for all others, also when they say that they take
 * neither, or nothing that can be understood. NULL: the request has no such field.
 */
enum metrics_form accept__form(const char *accept);

#endif /* ACCEPT_H */
