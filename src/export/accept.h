/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * accept - choose the metrics format by the Accept field of a request (RFC 9110). Pure.
 */
#ifndef ACCEPT_H
#define ACCEPT_H

#include "export/exposition.h"

/*
 * Returns EXPOSITION_OPENMETRICS if the client accepts application/openmetrics-text, without a
 * version or with 1.0.0, at a quality not below that of text/plain. Otherwise returns
 * EXPOSITION_PROMETHEUS, even if the client accepts neither format or the field is malformed. NULL:
 * the request has no Accept field.
 */
enum exposition_form accept__form(const char *accept);

#endif /* ACCEPT_H */
