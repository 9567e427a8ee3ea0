/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel types that rstwatch reads, and of each only the fields that it reads. The compiler
 * records every access (preserve_access_index) and libbpf fits the offsets to the running kernel,
 * so neither order nor gaps matter here. A type or field that only some kernels have is used
 * behind bpf_core_field_exists().
 */
#ifndef RSTWATCH_VMLINUX_H
#define RSTWATCH_VMLINUX_H
/* For <bpf/bpf_tracing.h>: registers have their kernel names here. */
#define __VMLINUX_H__

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
typedef __u16 __sum16;
typedef _Bool bool;
enum { false = 0, true = 1 };

/* include/uapi/linux/bpf.h: what the helpers of <bpf/bpf_helpers.h> and the map definitions need.
 */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
};
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
};
enum {
	BPF_F_NO_PREALLOC = 1,
	BPF_F_MMAPABLE = 1024,
};
enum {
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	union {
		__u8 u6_addr8[16];
		__be32 u6_addr32[4];
	} in6_u;
};

struct hlist_nulls_node {
	struct hlist_nulls_node **pprev;
};

struct list_head {
	struct list_head *next;
};

/* Who runs: credentials, which every process has its own of, and control groups. */
typedef struct {
	unsigned int val;
} kuid_t;

struct cred {
	kuid_t euid;
};

struct kernfs_node {
	const char *name;
	struct kernfs_node *__parent; /* parent before Linux 6.15 */
};

struct kernfs_node___parent {
	struct kernfs_node *parent;
};

struct cgroup_root {
	char name[64];
};

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_root *root;
};

struct cgrp_cset_link {
	struct cgroup *cgrp;
	struct list_head cgrp_link;
};

struct css_set {
	struct cgroup *dfl_cgrp;
	struct list_head cgrp_links;
};

struct task_struct {
	unsigned int flags;
	int exit_code;
	__u32 pid;
	__u32 tgid;
	__u64 start_boottime;
	struct task_struct *group_leader;
	const struct cred *cred;
	char comm[16];
	struct css_set *cgroups;
};

struct inode {
	unsigned short i_mode;
};

struct file {
	const struct cred *f_cred;
	struct inode *f_inode;
	void *private_data;
};

struct socket {
	struct file *file;
	struct sock *sk;
};

typedef struct {
	int owned;
} socket_lock_t;

typedef struct {
	int counter;
} atomic_t;

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	possible_net_t skc_net;
	unsigned long skc_flags;
	struct sock *skc_listener; /* of a request mini-socket, in the place of the flags */
	unsigned char skc_ipv6only : 1;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	struct hlist_nulls_node skc_nulls_node;
};

struct sock {
	struct sock_common __sk_common;
	__u32 sk_ack_backlog;
	__u32 sk_max_ack_backlog;
	__u8 sk_shutdown;
	__u16 sk_type;
	__u16 sk_protocol;
	int sk_err;
	struct socket *sk_socket;
	socket_lock_t sk_lock;
	atomic_t sk_drops;
};

struct ipv6_pinfo {
	int mcast_oif;
};

struct inet_sock {
	struct sock sk;
	struct ipv6_pinfo *pinet6;
	__be16 inet_sport;
	int mc_index;
};

struct request_sock_queue {
	__u8 synflood_warned; /* wider in some kernels */
	atomic_t qlen;
	atomic_t young;
};

struct request_sock {
	__u8 num_retrans;
	__u8 num_timeout : 7;
};

struct inet_request_sock {
	__u16 acked : 1;
};

struct inet_connection_sock {
	struct request_sock_queue icsk_accept_queue;
	__u8 icsk_retransmits;
	__u8 icsk_probes_out;
	struct {
		__u32 lrcvtime;
	} icsk_ack;
	void *icsk_ulp_data;
};

struct mptcp_subflow_context {
	struct sock *conn;
};

struct tcp_sock {
	__u32 lsndtime;
	__u32 rcv_tstamp;
	__u64 bytes_received;
	__u64 bytes_acked;
	__u64 bytes_sent;
	__u64 bytes_retrans;
	bool is_mptcp;
};

struct inet_bind_bucket {
	signed char fastreuse;
};

struct inet_timewait_sock {
	struct inet_bind_bucket *tw_tb;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct file *file;
};

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	void *key;
	void *value;
};

struct net_device {
	possible_net_t nd_net;
};

struct dst_entry {
	struct net_device *dev;
};

struct rtable {
	__u16 rt_type;
};

struct rt6_info {
	__u32 rt6i_flags;
};

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	unsigned long _skb_refdst;
	int skb_iif;
	unsigned int len;
	unsigned int data_len;
	__u8 pkt_type : 3;
	__be16 vlan_proto;
	__be16 protocol;
	__u16 transport_header;
	unsigned char *head;
	unsigned char *data;
	__u16 network_header;
};

struct iphdr {
	__be32 saddr;
	__be32 daddr;
};

struct ipv6hdr {
	struct in6_addr saddr;
	struct in6_addr daddr;
};

struct bpf_perf_event_value {
	__u64 counter;
	__u64 enabled;
};

struct tcphdr {
	__be16 source;
	__be16 dest;
	__be32 seq;
};

/* Where a kprobe finds the arguments of its function. */
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long di;
	unsigned long si;
	unsigned long dx;
	unsigned long cx;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	unsigned long long regs[31];
};
#endif

#pragma clang attribute pop

#endif
