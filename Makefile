# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
#   sudo make run      install what is missing, build, and watch for resets
#   sudo make check    install what is missing, build, and run every test
#   make               build build/rstwatch
#   make lint          the lints alone            make bench    the benchmarks
#   make scenarios     SCENARIOS="--seeds 20"      labelled attacks and look-alikes, scored
#   make check-kernels KERNELS="5.10 newest"      the tests that run in other kernels, alone
#   make install       DESTDIR, PREFIX            make clean
#
# V=1 shows the commands. CC, CLANG, BPFTOOL and CFLAGS may be set.

ifeq ($(origin CC),default)
CC      := gcc
endif
CLANG   ?= clang
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
# Expanded where it is used: the packages may be installed by the same run of make.
BPFTOOL ?= $(shell PATH="$$PATH:/usr/sbin:/sbin" command -v bpftool)
PKGS     = libbpf libelf zlib

B := build

WARNINGS := -Wall -Wextra -Werror -Wmissing-prototypes -Wstrict-prototypes -Wshadow \
            -Wundef -Wpointer-arith -Wwrite-strings -Wvla
CPPFLAGS += -Ibpf -Iuser
LANGUAGE := -std=gnu11 -D_GNU_SOURCE
DEPS      = -MMD -MP

# The pure core: no I/O, no clock, no allocation (tests/lint/purity.sh holds it to that).
# The last three lines: the detectors (user/detector.h) and what they are made of.
CORE := address advice alert append audit book cgroup coverage crowd detect distinct explain filter \
        listeners mute names owner pattern phrase pipeline processes rate recent record sentence \
        table top tuples window \
        acceptqueue backscatter dependency injection outbound portflood scan service stale stealth \
        storm synflood \
        blind churn halfopen handshakes probes senders service_text sources summary \
        synflood_churn synflood_evidence synflood_loss synflood_text
EDGE := check identity json live main mib namespaces ndjson ndjson_alert ndjson_event \
        ndjson_window ndjson_words options options_filter options_limits options_mute output \
        privilege procfs recording replay ring session text text_alert text_event text_window types \
        walks wallclock
# The only files that know libbpf.
KERNEL := capture counters functions hooks kernel peers programs rings seed
OBJS := $(CORE:%=$(B)/%.o) $(EDGE:%=$(B)/%.o) $(KERNEL:%=$(B)/%.o) $(B)/schema.o

ifeq ($(V),1)
Q   :=
say :=
else
Q   := @
say = @printf '  %-7s %s\n' $(1) $@
endif

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all run check check-kernels lint bench scenarios install clean
all: $(B)/rstwatch

# --- what must be installed: run, check, scenarios and bench install it, the others tell ---
# One stamp, of the largest set that the goals need, so that there is one installation at a time.
NEED  := $(or $(firstword $(filter bench scenarios,$(MAKECMDGOALS))),$(if $(filter check check-kernels lint,$(MAKECMDGOALS)),check),build)
SETUP := $(B)/setup-$(NEED)
$(SETUP): .ci/setup
	$(Q)mkdir -p $(@D)
	$(Q).ci/setup $(NEED) $(if $(filter run check check-kernels scenarios bench,$(MAKECMDGOALS)),install,tell)
	$(Q)touch $@

# --- kernel side ---
# Where a kprobe finds arguments depends on the machine. %_probes: see bpf/kernel_read.h.
ARCH  := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(shell uname -m)))
BPF_CC = $(CLANG) -target bpf -mcpu=v3 -O2 -g $(DEPS) -Wall -Wextra -Werror -Wshadow \
	 -D__TARGET_ARCH_$(ARCH) -Ibpf -Ivmlinux
$(B)/%.bpf.o: bpf/%.bpf.c | $(SETUP)
	$(call say,BPF)
	$(Q)$(BPF_CC) -c $< -o $@

$(B)/%_probes.bpf.o: bpf/%.bpf.c | $(SETUP)
	$(call say,BPF)
	$(Q)$(BPF_CC) -DKERNEL_PROBES -c $< -o $@

$(B)/%.skel.h: $(B)/%.bpf.o
	$(call say,SKEL)
	$(Q)$(BPFTOOL) gen skeleton $< name $* >$@

# --- user side ---
# The names of the kernel types that BPF objects read: user/kernel.c.
$(B)/kernel_structs.h: vmlinux/vmlinux.h | $(SETUP)
	$(call say,NAMES)
	$(Q)sed -n '/___/d;s/^struct \([a-z0-9_]*\) {$$/"\1",/p' $< >$@

$(KERNEL:%=$(B)/%.o): CPPFLAGS += -isystem $(B)
$(B)/capture.o $(B)/counters.o $(B)/peers.o $(B)/rings.o: $(B)/rstwatch.skel.h
$(B)/kernel.o: $(B)/kernel_structs.h
$(B)/hooks.o: $(B)/rstwatch.skel.h
$(B)/programs.o: $(B)/rstwatch.skel.h $(B)/rstwatch_probes.skel.h $(B)/owners.skel.h $(B)/owners_probes.skel.h
$(B)/seed.o: $(B)/owners.skel.h
$(B)/functions.o: $(B)/rstwatch.skel.h $(B)/functions.skel.h $(B)/functions_probes.skel.h
$(B)/%.o: user/%.c | $(SETUP)
	$(call say,CC)
	$(Q)$(CC) $(LANGUAGE) $(WARNINGS) $(CFLAGS) $(CPPFLAGS) $(DEPS) -c $< -o $@

$(B)/schema.o: user/schema.S user/schema.json | $(SETUP)
	$(call say,AS)
	$(Q)$(CC) -c $< -o $@

$(B)/rstwatch: $(OBJS)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -pthread $^ -o $@ $$(pkg-config --libs $(PKGS))

# For the guests of tests/kernels: they have no libraries but those of the tools.
$(B)/rstwatch-static: $(OBJS)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -static -pthread $^ -o $@ $$(pkg-config --static --libs $(PKGS))

run: $(B)/rstwatch
	$(Q)$(B)/rstwatch $(ARGS)

install: $(B)/rstwatch
	install -D -m 755 $(B)/rstwatch $(DESTDIR)$(PREFIX)/sbin/rstwatch
	install -D -m 644 user/rstwatch.8 $(DESTDIR)$(PREFIX)/share/man/man8/rstwatch.8

# --- unit tests: each against the same objects, plain and under the sanitizers ---
UNIT     := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
TESTED   := $(CORE) json ndjson ndjson_alert ndjson_event ndjson_window ndjson_words options \
            options_filter options_limits options_mute output privilege recording ring text \
            text_alert text_event text_window types wallclock
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -O1 -g
UNIT_RUN := $(UNIT:%=$(B)/unit/%) $(UNIT:%=$(B)/asan/%)

$(B)/unit/%: tests/unit/%.c $(TESTED:%=$(B)/%.o) | $(SETUP)
	$(call say,TEST)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LANGUAGE) $(WARNINGS) $(CFLAGS) $(CPPFLAGS) -Itests/unit $(DEPS) $< \
		$(TESTED:%=$(B)/%.o) -o $@ -lcmocka -lz -lm

# clang here, so that both compilers see every file.
$(B)/asan/%.o: user/%.c | $(SETUP)
	$(call say,ASAN)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(LANGUAGE) $(WARNINGS) $(SANITIZE) $(CPPFLAGS) $(DEPS) -c $< -o $@

$(B)/asan/test_%: tests/unit/test_%.c $(TESTED:%=$(B)/asan/%.o) | $(SETUP)
	$(call say,ASAN)
	$(Q)$(CLANG) $(LANGUAGE) $(WARNINGS) $(SANITIZE) $(CPPFLAGS) -Itests/unit $(DEPS) $< \
		$(TESTED:%=$(B)/asan/%.o) -o $@ -lcmocka -lz -lm

# --- the tests; each program prints TAP, tests/run adds them up ---
LINTS  := $(wildcard tests/lint/*.sh)
REPLAY := $(wildcard tests/replay/test_*)
LIVE   := $(wildcard tests/live/test_*.py)
SHORT  := $(wildcard tests/scenarios/test_*)
# Where there is apt: elsewhere the kernels are skipped, and some systems have no static libraries.
GUEST   = $(if $(shell command -v apt-get),$(B)/rstwatch-static)

lint: $(B)/rstwatch | $(SETUP)
	$(Q)tests/run $(LINTS)

check: $(B)/rstwatch $(UNIT_RUN) $(GUEST)
	$(Q)tests/run $(LIVE) $(SHORT) --beside $(LINTS) $(UNIT_RUN) $(REPLAY) -- tests/kernels/run

# Attacks, failures and what only looks like them, against what rstwatch says of them.
scenarios: $(B)/rstwatch
	$(Q)tests/scenarios/run $(SCENARIOS)

check-kernels: $(GUEST)
	$(Q)tests/run tests/kernels/run

bench: $(B)/rstwatch
	$(Q)tests/bench/run

clean:
	rm -rf $(B)

-include $(wildcard $(B)/*.d $(B)/unit/*.d $(B)/asan/*.d)
