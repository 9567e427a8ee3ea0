/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names as people choose them: with * and ?, by how they begin, and as systemctl(1) takes them. */
#ifndef RSTWATCH_PATTERN_H
#define RSTWATCH_PATTERN_H

#include <stdbool.h>

/* As in the shell, but of bytes: * is any of them, ? is one. */
bool pattern_matches(const char *pattern, const char *text);
/* The same of a systemd unit: a pattern without a dot is a service's. "" is no unit. */
bool pattern_matches_unit(const char *pattern, const char *unit);
bool pattern_begins(const char *beginning, const char *text);

#endif
