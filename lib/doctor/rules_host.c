/* This host, but for its network. */
#include <string.h>

#include "doctor/rule.h"

#define RATE_PPM 5000 /* half of the 1 % that two clocks may be apart */
#define UNFENCED_TTL_MS 2450

static void judge_clock(struct oo_doctor *doctor)
{
	const struct oo_host_facts *host = &doctor->facts->host;
	if (host->clock_look != OO_LOOK_SEEN) {
		return;
	}
	if (host->rate_ppm > RATE_PPM || host->rate_ppm < -RATE_PPM) {
		oo_doctor_fix(
			oo_doctor_say(doctor, OO_AILMENT_CLOCK_RATE,
				      "the kernel runs this clock %lld ppm off its oscillator "
				      "(%+.2f %%)",
				      (long long)host->rate_ppm, (double)host->rate_ppm / 10000),
			"adjtimex --tick 10000 --frequency 0, then: systemctl restart chrony; "
			"let it step rather than slew (chrony: makestep, a small maxslewrate)");
	}
	if (!host->is_synchronised) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_CLOCK_UNSYNCHRONISED,
					    "this clock is not synchronised"),
			      "apt install chrony; chronyc tracking");
	}
}

static void judge_rights(struct oo_doctor *doctor)
{
	const struct oo_host_facts *host = &doctor->facts->host;
	const char *fix = "run it as ooha.service does; in a container: --cap-add=NET_ADMIN "
			  "--cap-add=NET_RAW";
	/* without root nobody expects these rights */
	if (doctor->facts->is_root && host->addresses_look == OO_LOOK_DENIED) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_NO_NET_ADMIN,
					    "addresses cannot be changed here, not even by root"),
			      "%s", fix);
	}
	if (doctor->facts->is_root && host->packets_look == OO_LOOK_DENIED) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_NO_NET_RAW,
					    "packet sockets are refused here, even to root"),
			      "%s", fix);
	}
}

static void judge_kernel(struct oo_doctor *doctor)
{
	const struct oo_host_facts *host = &doctor->facts->host;
	if (host->nf_tables_look == OO_LOOK_ABSENT) {
		bool is_short = doctor->facts->ttl_ms < UNFENCED_TTL_MS;
		struct oo_ill *ill = oo_doctor_say(
			doctor, OO_AILMENT_NO_NF_TABLES, "this kernel has no nf_tables%s",
			is_short ? ", and with this ttl the agent does not start without" : "");
		ill->severity = is_short ? OO_SEVERITY_CRITICAL : ill->severity;
		oo_doctor_fix(ill,
			      "modprobe nf_tables, or a kernel with CONFIG_NF_TABLES_INET and "
			      "CONFIG_NF_TABLES_ARP%s",
			      is_short ? "; or a lease.ttl of 2450ms or more" : "");
	}
	if (host->destroy_look == OO_LOOK_ABSENT) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_NO_SOCKET_DESTROY,
					    "this kernel cannot reset connections (SOCK_DESTROY)"),
			      "a kernel with CONFIG_INET_DIAG_DESTROY; grep INET_DIAG "
			      "/boot/config-$(uname -r)");
	}
}

/* "enabled-runtime" does not: its links are in /run. "static": somebody else's unit wants it. */
static bool starts_at_boot(const char *state)
{
	return strcmp(state, "enabled") == 0 || strcmp(state, "static") == 0 ||
	       strcmp(state, "alias") == 0;
}

static void judge_unit(struct oo_doctor *doctor)
{
	const struct oo_host_facts *host = &doctor->facts->host;
	if (host->unit_look != OO_LOOK_SEEN) {
		return;
	}
	if (!starts_at_boot(host->unit_state)) {
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_UNIT_NOT_ENABLED,
					    "ooha.service is %s", host->unit_state),
			      strncmp(host->unit_state, "masked", strlen("masked")) == 0
				      ? "systemctl unmask ooha && systemctl enable ooha"
				      : "systemctl enable ooha");
	}
	if (strcmp(host->unit_preserve, "no") == 0) {
		oo_doctor_fix(
			oo_doctor_say(
				doctor, OO_AILMENT_RUNTIME_DIRECTORY_LOST,
				"ooha.service has RuntimeDirectoryPreserve=no: /run/ooha goes "
				"at each restart"),
			"systemctl edit ooha: [Service], RuntimeDirectoryPreserve=restart; "
			"systemctl "
			"cat ooha shows which file says no");
	}
}

static void judge_files(struct oo_doctor *doctor)
{
	const struct oo_host_facts *host = &doctor->facts->host;
	for (size_t i = 0; i < host->hooks.n; i++) {
		const struct oo_file_facts *file = &host->hooks.items[i];
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_HOOK_UNTRUSTED, "%s", file->error),
			      "chown root:root and chmod go-w what is named there, chmod +x the "
			      "program: %s",
			      file->path);
	}
	for (size_t i = 0; i < host->secrets.n; i++) {
		const struct oo_file_facts *file = &host->secrets.items[i];
		oo_doctor_fix(oo_doctor_say(doctor, OO_AILMENT_SECRET_READABLE, "%s: %s",
					    file->path, file->error),
			      "chmod o-rwx %s", file->path);
	}
}

void oo_doctor_host(struct oo_doctor *doctor)
{
	judge_clock(doctor);
	judge_rights(doctor);
	judge_kernel(doctor);
	judge_unit(doctor);
	judge_files(doctor);
}
