/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* user/schema.json, inside the program. */
#ifndef RSTWATCH_SCHEMA_H
#define RSTWATCH_SCHEMA_H

#include <stddef.h>

extern const char schema_json[];
extern const size_t schema_json_bytes;

#endif
