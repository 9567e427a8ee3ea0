// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "sentence.h"

#include <string.h>

void sentence_add(struct sentence *sentence, const char *text)
{
	size_t length = strlen(text), room = sentence->size - 1 - sentence->length;

	if (length > room)
		length = room;
	memcpy(sentence->text + sentence->length, text, length);
	sentence->length += length;
	sentence->text[sentence->length] = '\0';
}

void sentence_add_number(struct sentence *sentence, uint64_t number)
{
	char digits[24];
	size_t at = sizeof(digits) - 1;

	digits[at] = '\0';
	do
		digits[--at] = '0' + number % 10;
	while (number /= 10);
	sentence_add(sentence, digits + at);
}

void sentence_add_decimal(struct sentence *sentence, double number)
{
	uint64_t tenths = number < 1e17 ? (uint64_t)(number * 10 + 0.5) : UINT64_MAX;
	char fraction[3] = {'.', '0' + tenths % 10, '\0'};

	sentence_add_number(sentence, tenths / 10);
	if (tenths % 10)
		sentence_add(sentence, fraction);
}
