/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parts of sentences for people: names, durations, amounts, processes. */
#ifndef RSTWATCH_PHRASE_H
#define RSTWATCH_PHRASE_H

#include <stddef.h>
#include <stdint.h>

#include "processes.h"
#include "sentence.h"

/* Somebody else's word, up to so many bytes, then "...": whole characters of valid UTF-8. Other
 * bytes, control characters and those that turn the direction of writing are shown as \xNN. */
void phrase_add_foreign(struct sentence *sentence, const char *text, size_t limit);
/* "40 ms", "3.2 s", "12 min", "5 h", "3 days" */
void phrase_add_duration(struct sentence *sentence, uint64_t ms);
/* "120 bytes", "4.2 kB": units of 1000 */
void phrase_add_bytes(struct sentence *sentence, uint64_t bytes);
/* "nginx (pid 812, nginx.service)", "nginx (pid 812, docker container 0123456789ab)"; NULL: "a
 * process", which begins with a capital at the start of the sentence. At most PHRASE_PROCESS bytes,
 * as long names are cut. */
void phrase_add_process(struct sentence *sentence, const struct process *process);

#define PHRASE_PROCESS 208

#endif
