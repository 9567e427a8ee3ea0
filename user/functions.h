/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hooks on kernel functions, the part of hooks.h that is tried in several ways: all at once or one
 * by one, with fentry or with a kprobe, now or once a module is loaded. None of them has to be
 * there: what cannot be hooked is noted in its struct hook.
 */
#ifndef RSTWATCH_FUNCTIONS_H
#define RSTWATCH_FUNCTIONS_H

struct hooks;

void functions_name(struct hooks *hooks);
/* After the tracepoints are loaded, whose maps they share. */
void functions_attach(struct hooks *hooks);
/* Those whose module has been loaded since. */
void functions_retry(struct hooks *hooks);
/* After their links are gone. */
void functions_close(struct hooks *hooks);

#endif
