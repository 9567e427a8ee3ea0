/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The parts of the NDJSON sink: ndjson.c with what they share, ndjson_alert.c, ndjson_event.c,
 * ndjson_window.c. */
#ifndef RSTWATCH_NDJSON_H
#define RSTWATCH_NDJSON_H

#include <stdint.h>

#include "json.h"
#include "view.h"

/* A line of this type begins, and ends. */
struct json ndjson_begin(struct ndjson *ndjson, const char *type);
void ndjson_finish(struct json *json);

/* Members. */
void ndjson_time(struct ndjson *ndjson, struct json *json, const char *key, uint64_t time_ns);
void ndjson_address(struct json *json, const char *key, const uint8_t address[16]);
/* Those causes (or stages) of one direction that occurred, under their names. */
void ndjson_causes(struct json *json, unsigned direction, const uint64_t causes[RST_CAUSES]);
void ndjson_reasons(struct json *json, const struct pipeline_run *run,
		    const uint64_t reasons[RST_REASONS]);
void ndjson_losses(struct json *json, const struct window_losses *losses);
/* All that is known of an owner, but for the object around it. time_ns: what stopped_ms ends at. */
void ndjson_owner(struct json *json, const struct owner *owner, uint64_t time_ns);

/* Elements of lists, each left open for more members. */
void ndjson_port(struct json *json, const struct window_port *port);
void ndjson_peer(struct json *json, const struct window_peer *peer, uint64_t error_max);
void ndjson_owner_row(struct json *json, const struct window_owner *owner, uint64_t time_ns);

void ndjson_event(void *context, const struct pipeline_run *run,
		  const struct pipeline_event *reset);
void ndjson_window(void *context, const struct pipeline_run *run,
		   const struct window_summary *summary);
void ndjson_alert(void *context, const struct pipeline_run *run, const struct alert *alert);

#endif
