/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Builds a sentence in a fixed buffer; what does not fit is cut, the end is always a NUL. */
#ifndef RSTWATCH_SENTENCE_H
#define RSTWATCH_SENTENCE_H

#include <stddef.h>
#include <stdint.h>

struct sentence {
	char *text;
	size_t size, length; /* of the buffer; of the text without its NUL */
};

void sentence_add(struct sentence *sentence, const char *text);
void sentence_add_number(struct sentence *sentence, uint64_t number);
/* With one digit behind the point, none if that is 0. */
void sentence_add_decimal(struct sentence *sentence, double number);

#endif
