// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "pattern.h"

#include <string.h>

bool pattern_matches(const char *pattern, const char *text)
{
	const char *star = NULL, *taken = NULL; /* behind the last *, and what it stands for */

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			taken = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++taken;
		} else {
			return false;
		}
	}
	return !pattern[strspn(pattern, "*")];
}

bool pattern_begins(const char *beginning, const char *text)
{
	size_t length = strlen(beginning);

	return strlen(text) >= length && !memcmp(text, beginning, length);
}

bool pattern_matches_unit(const char *pattern, const char *unit)
{
	if (pattern_matches(pattern, unit))
		return *unit;
	return !strchr(pattern, '.') && pattern_begins(pattern, unit) &&
	       !strcmp(unit + strlen(pattern), ".service");
}
