// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* rstwatch check: attaches everything, tells what that lets it see, and lets go again. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "capture.h"
#include "hooks.h"
#include "json.h"
#include "names.h"
#include "output.h"
#include "privilege.h"
#include "session.h"
#include "version.h"

/* What there is to tell. capture is NULL if the programs could not be loaded: error says why. */
struct findings {
	const struct options *options;
	struct capture *capture;
	struct coverage coverage;
	struct capture_sizes sizes;
	struct utsname kernel;
	char missing[64]; /* capabilities; "" if none */
	char error[CAPTURE_ERROR_BYTES];
	struct output output;
};

static const char *const hook_states[] = {
	[HOOK_UNWANTED] = "not needed",
	[HOOK_ATTACHED] = "attached",
	[HOOK_WAITING] = "waiting",
	[HOOK_MISSING] = "missing",
};

/* What a tracepoint passes on this kernel beyond what it passes on all. */
static const char *passes(const struct findings *findings, unsigned hook)
{
	const struct coverage_kernel *kernel = &findings->coverage.kernel;

	switch (hook) {
	case HOOK_SEND:
		if (!kernel->send_reason)
			return "no reasons, full sockets only";
		return kernel->active_reason ? "reasons" : "reasons, but for our own aborts";
	case HOOK_DROP:
		if (!kernel->drop_reason)
			return "no reasons";
		return kernel->drop_socket ? "reasons, sockets" : "reasons";
	default:
		return NULL;
	}
}

static bool is_complete(const struct findings *findings)
{
	return findings->capture && coverage_is_complete(&findings->coverage);
}

/* --- text --- */

static void column(struct output *output, const char *text, size_t width)
{
	output_padded(output, text, strlen(text), width);
}

static void line(struct findings *findings, const char *name, const char *value, const char *why)
{
	struct output *output = &findings->output;

	column(output, name, *value ? 28 : 0);
	if (!why) {
		output_text(output, value);
	} else {
		column(output, value, 12);
		output_text(output, why);
	}
	output_char(output, '\n');
}

static void heading(struct findings *findings, const char *name, const char *value)
{
	output_char(&findings->output, '\n');
	line(findings, name, value, NULL);
}

static void text_hooks(struct findings *findings)
{
	const struct hooks *hooks = capture_hooks(findings->capture);

	heading(findings, "HOOK", "");
	for (unsigned i = 0; i < HOOKS; i++) {
		const struct hook *hook = &hooks->hooks[i];
		const char *more = passes(findings, i);
		char detail[192] = "";

		if (hook->state == HOOK_ATTACHED)
			snprintf(detail, sizeof(detail), "%s%s%s", hook->how,
				 more ? ", passes " : "", more ? more : "");
		else if (hook->state != HOOK_UNWANTED)
			snprintf(detail, sizeof(detail), "%s%s%s", hook->how,
				 *hook->why ? ": " : "", hook->why);
		line(findings, hook->name, hook_states[hook->state], *detail ? detail : NULL);
	}
}

static void text_answer(struct findings *findings, const char *name, struct coverage_answer answer)
{
	line(findings, name, coverage_verdict_name(answer.verdict), answer.why);
}

static void text_causes(struct findings *findings, unsigned direction)
{
	heading(findings,
		direction == RST_SENT ? "CAUSE OF A RESET SENT" : "STAGE OF A RESET RECEIVED",
		"SEEN");
	for (unsigned cause = 1; cause < RST_CAUSES; cause++)
		if (name_cause(cause) && name_cause_direction(cause) == direction &&
		    cause != RST_UNKNOWN)
			text_answer(findings, name_cause(cause),
				    coverage_cause(&findings->coverage, cause));
}

static void text_sizes(struct findings *findings)
{
	char text[128];

	heading(findings, "MEMORY IN THE KERNEL", "");
	snprintf(text, sizeof(text), "%llu bytes", (unsigned long long)findings->sizes.ring_bytes);
	line(findings, "ring buffer", text, NULL);
	snprintf(text, sizeof(text), "%u ports, %u peers", findings->sizes.ports,
		 findings->sizes.peers);
	line(findings, "tables of a slice", text, NULL);
	snprintf(text, sizeof(text), "%llu bytes",
		 (unsigned long long)findings->sizes.sketch_bytes);
	line(findings, "peer sketches", text, NULL);
	snprintf(text, sizeof(text), "%u processes, %u sockets, %u closed connections",
		 findings->sizes.processes, findings->sizes.sockets, findings->sizes.closed);
	line(findings, "for owners", text, NULL);
}

static void print_text(struct findings *findings)
{
	struct output *output = &findings->output;
	const char *btf = findings->options->btf_path;

	line(findings, "rstwatch", RSTWATCH_VERSION, NULL);
	line(findings, "kernel", findings->kernel.release, NULL);
	line(findings, "privileges", *findings->missing ? "missing" : "sufficient",
	     *findings->missing ? findings->missing : NULL);
	line(findings, "BTF", btf ? btf : "/sys/kernel/btf/vmlinux", NULL);
	if (!findings->capture) {
		line(findings, "programs", "not loaded", findings->error);
		return;
	}
	text_hooks(findings);
	text_causes(findings, RST_SENT);
	text_causes(findings, RST_RECEIVED);
	heading(findings, "KERNEL COUNTER", "AUDIT");
	for (unsigned i = 0; i < COUNTERS; i++)
		text_answer(findings, name_counter(i), coverage_counter(&findings->coverage, i));
	heading(findings, "OWNER OF A RESET", "KNOWN");
	for (unsigned i = 0; i < COVERAGE_OWNERS; i++)
		text_answer(findings, coverage_owner_name(i),
			    coverage_owner(&findings->coverage, i));
	heading(findings, "SIGN OF AN ATTACK OR OUTAGE", "SEEN");
	for (unsigned i = 0; i < COVERAGE_SIGNALS; i++)
		text_answer(findings, coverage_signal_name(i),
			    coverage_signal(&findings->coverage, i));
	text_sizes(findings);
	output_text(output, is_complete(findings)
				    ? "\nEverything can be seen on this kernel.\n"
				    : "\nWhat is unseen above cannot be seen on this kernel.\n");
}

/* --- JSON --- */

static void json_answer(struct json *json, const char *name, struct coverage_answer answer)
{
	json_key(json, name);
	json_object(json);
	json_member_plain(json, "seen", coverage_verdict_name(answer.verdict));
	json_member_plain(json, "why", answer.why);
	json_object_end(json);
}

static void json_causes(struct findings *findings, struct json *json, unsigned direction)
{
	json_key(json, direction == RST_SENT ? "causes" : "stages");
	json_object(json);
	for (unsigned cause = 1; cause < RST_CAUSES; cause++)
		if (name_cause(cause) && name_cause_direction(cause) == direction &&
		    cause != RST_UNKNOWN)
			json_answer(json, name_cause(cause),
				    coverage_cause(&findings->coverage, cause));
	json_object_end(json);
}

static void json_hooks(struct findings *findings, struct json *json)
{
	const struct hooks *hooks = capture_hooks(findings->capture);

	json_key(json, "hooks");
	json_object(json);
	for (unsigned i = 0; i < HOOKS; i++) {
		const struct hook *hook = &hooks->hooks[i];

		json_key(json, hook->name);
		json_object(json);
		json_member_plain(json, "state", hook_states[hook->state]);
		if (hook->state != HOOK_UNWANTED)
			json_member_string(json, "how", hook->how);
		if (*hook->why)
			json_member_string(json, "why", hook->why);
		json_object_end(json);
	}
	json_object_end(json);
}

/* What the hooks pass on this kernel, as read from its BTF. */
static void json_passes(struct findings *findings, struct json *json)
{
	const struct coverage_kernel *kernel = &findings->coverage.kernel;
	const struct {
		const char *name;
		bool passed;
	} facts[] = {
		{"send_reasons", kernel->send_reason},
		{"abort_reasons", kernel->active_reason},
		{"drop_reasons", kernel->drop_reason},
		{"drop_sockets", kernel->drop_socket},
		{"drops_of_rejected", kernel->drop_rejected},
		{"request_reasons", kernel->request_reason},
	};

	json_key(json, "passes");
	json_object(json);
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		json_key(json, facts[i].name);
		json_bool(json, facts[i].passed);
	}
	json_object_end(json);
}

static void print_json(struct findings *findings)
{
	struct json json = {.output = &findings->output};

	json_object(&json);
	json_member_plain(&json, "type", "check");
	json_member_plain(&json, "version", RSTWATCH_VERSION);
	json_member_string(&json, "kernel", findings->kernel.release);
	json_key(&json, "complete");
	json_bool(&json, is_complete(findings));
	if (*findings->missing)
		json_member_string(&json, "missing_privileges", findings->missing);
	json_member_string(&json, "btf",
			   findings->options->btf_path ? findings->options->btf_path
						       : "/sys/kernel/btf/vmlinux");
	if (!findings->capture) {
		json_member_string(&json, "error", findings->error);
	} else {
		json_hooks(findings, &json);
		json_passes(findings, &json);
		json_causes(findings, &json, RST_SENT);
		json_causes(findings, &json, RST_RECEIVED);
		json_key(&json, "audit");
		json_object(&json);
		for (unsigned i = 0; i < COUNTERS; i++)
			json_answer(&json, name_counter(i),
				    coverage_counter(&findings->coverage, i));
		json_object_end(&json);
		json_key(&json, "owners");
		json_object(&json);
		for (unsigned i = 0; i < COVERAGE_OWNERS; i++)
			json_answer(&json, coverage_owner_name(i),
				    coverage_owner(&findings->coverage, i));
		json_object_end(&json);
		json_key(&json, "signals");
		json_object(&json);
		for (unsigned i = 0; i < COVERAGE_SIGNALS; i++)
			json_answer(&json, coverage_signal_name(i),
				    coverage_signal(&findings->coverage, i));
		json_object_end(&json);
		json_member_number(&json, "ring_bytes", findings->sizes.ring_bytes);
		json_member_number(&json, "sketch_bytes", findings->sizes.sketch_bytes);
		json_member_number(&json, "ports_per_slice", findings->sizes.ports);
		json_member_number(&json, "peers_per_slice", findings->sizes.peers);
		json_member_number(&json, "processes", findings->sizes.processes);
		json_member_number(&json, "sockets", findings->sizes.sockets);
		json_member_number(&json, "closed_connections", findings->sizes.closed);
	}
	json_object_end(&json);
	json_line_end(&json);
}

int check_run(const struct options *options)
{
	static struct findings findings; /* its output's buffer is large */
	struct capture_settings settings = {
		.btf_path = options->btf_path,
		.verbose = options->verbose,
		.limits = options->limits,
	};
	int code;

	findings.options = options;
	output_init(&findings.output, STDOUT_FILENO);
	uname(&findings.kernel);
	(void)privilege_check(findings.missing, sizeof(findings.missing));
	if (!capture_open(&findings.capture, &settings, findings.error)) {
		hooks_coverage(capture_hooks(findings.capture), &findings.coverage);
		capture_sizes(findings.capture, &findings.sizes);
	}
	if (options->view.json)
		print_json(&findings);
	else
		print_text(&findings);
	code = is_complete(&findings) ? SESSION_DONE : SESSION_FAILED;
	if (output_flush(&findings.output) && findings.output.error != -EPIPE) {
		session_complain("cannot write to standard output: %s",
				 strerror(-findings.output.error));
		code = SESSION_FAILED;
	}
	capture_close(&findings.capture);
	return code;
}
