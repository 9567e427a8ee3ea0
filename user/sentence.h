/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Builds a sentence in a fixed buffer; what does not fit is cut, the end is always a NUL. */
#ifndef RSTWATCH_SENTENCE_H
#define RSTWATCH_SENTENCE_H

#include <stddef.h>
#include <stdint.h>

struct owner;

struct sentence {
	char *text;
	size_t size, length; /* of the buffer; of the text without its NUL */
};

void sentence_add(struct sentence *sentence, const char *text);
void sentence_add_number(struct sentence *sentence, uint64_t number);
/* With one digit behind the point, none if that is 0. */
void sentence_add_decimal(struct sentence *sentence, double number);
/* "1 reset", "2 resets" of " reset". */
void sentence_add_count(struct sentence *sentence, uint64_t number, const char *what);
/* What others chose, such as the name of a process. It goes to terminals: any byte but plain ASCII
 * becomes a question mark. */
void sentence_add_foreign(struct sentence *sentence, const char *name);
void sentence_add_address(struct sentence *sentence, const uint8_t address[16]);
/* "nginx (pid 812, nginx.service)"; "a process" if it is not known (any more). */
void sentence_add_owner(struct sentence *sentence, const struct owner *owner);
/* "350 ms", "3.2 s", "5 min", "1.5 h", "2 d". */
void sentence_add_duration_ns(struct sentence *sentence, uint64_t duration_ns);

#endif
