#include <curl/curl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "journal.h"
#include "look.h"
#include "try.h"

#define CONFIG_DEFAULT "/etc/ooha/ooha.yaml"

static const char help[] =
	"Usage: ooha-agent [--config FILE] [--check | --diagnose | --version | --help]\n"
	"\n"
	"Keeps a virtual IP on one healthy node of a cluster, by a lease in etcd.\n"
	"\n"
	"  -c, --config FILE  configuration (default " CONFIG_DEFAULT ")\n"
	"      --check        say what is wrong with the configuration, and exit\n"
	"      --diagnose     say what is wrong with this node, as JSON, and exit (see: ooha "
	"diagnose)\n"
	"  -d, --debug        log what happens below the surface, too\n"
	"      --version      print the version, and exit\n"
	"  -h, --help         print this, and exit\n"
	"\n"
	"SIGTERM and SIGINT hand over or release, then exit; when systemd restarts the agent, all "
	"stays\n"
	"for the next one. SIGHUP reads the configuration anew, all but cluster, node.name and\n"
	"runtime_directory.\n"
	"Exit status: 0 done, 64 usage, 69 an interface, address or directory is missing, 70 "
	"system\n"
	"error, 73 another agent runs (or its socket or port is taken), 77 a privilege is "
	"missing,\n"
	"78 the configuration is wrong.\n";

struct options {
	const char *config;
	bool check, debug, diagnose;
	int exit; /* -1: go on */
};

static void parse_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {{"config", required_argument, NULL, 'c'},
					      {"check", no_argument, NULL, 'k'},
					      {"diagnose", no_argument, NULL, 'D'},
					      {"debug", no_argument, NULL, 'd'},
					      {"version", no_argument, NULL, 'V'},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	int option;

	*options = (struct options){.config = CONFIG_DEFAULT, .exit = -1};
	while ((option = getopt_long(argc, argv, "c:dh", known, NULL)) != -1) {
		switch (option) {
		case 'c':
			options->config = optarg;
			break;
		case 'k':
			options->check = true;
			break;
		case 'D':
			options->diagnose = true;
			break;
		case 'd':
			options->debug = true;
			break;
		case 'V':
			puts("ooha-agent " OO_VERSION);
			options->exit = 0;
			return;
		case 'h':
			fputs(help, stdout);
			options->exit = 0;
			return;
		default: /* a character, not an enum; getopt has said what is wrong */
			options->exit = OO_EXIT_USAGE;
			return;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "ooha-agent: unexpected argument '%s'\n", argv[optind]);
		options->exit = OO_EXIT_USAGE;
	}
}

static void print_problem(const char *text, void *user)
{
	(void)user;
	fprintf(stderr, "%s\n", text);
}

static void say_started(const struct agent *agent, bool anew)
{
	if (anew) {
		agent_say(OO_LOG_INFO, &(struct agent_said){.message = AGENT_MESSAGE_RELOADED},
			  "reloaded %s", agent->config_path);
	} else {
		agent_say(OO_LOG_INFO, &(struct agent_said){.message = AGENT_MESSAGE_STARTED},
			  "started: ooha " OO_VERSION ", cluster %s, node %s",
			  agent->config->cluster, agent->config->node.name);
	}
}

/*
 * One agent's life. config is taken. ret_successor: with what the next one is to be started.
 * Returns how to exit if there is none.
 */
static int live(const char *path, struct oo_config *config, bool anew,
		struct oo_config **ret_successor)
{
	struct agent agent = {.config_path = path, .config = config};
	struct oo_err err;
	int exit_code = OO_EXIT_CONFIG;

	if (agent_start(&agent, &exit_code, &err) < 0) {
		oo_log_last("%s", err.text);
	} else {
		say_started(&agent, anew);
		exit_code = sd_event_loop(agent.event) == 0 ? 0 : OO_EXIT_SOFTWARE;
	}
	*ret_successor = agent.successor;
	if (exit_code == 0 && agent.successor == NULL) {
		agent_say(OO_LOG_INFO, &(struct agent_said){.message = AGENT_MESSAGE_STOPPED},
			  "stopped");
	}
	agent_done(&agent);
	oo_config_free(agent.config);
	return exit_code;
}

static int run(const struct options *options)
{
	struct oo_config *config = NULL;
	struct oo_err err;

	if (oo_config_load(options->config, &config, &err) < 0) {
		oo_log_last("%s", err.text);
		return OO_EXIT_CONFIG;
	}
	if (options->check) {
		agent_try_etcd(config);
		oo_config_free(config);
		return 0;
	}
	if (options->diagnose) {
		int exit_code = agent_look(config);
		oo_config_free(config);
		return exit_code;
	}
	int exit_code = 0;
	for (bool anew = false; config != NULL; anew = true) {
		exit_code = live(options->config, config, anew, &config);
	}
	return exit_code;
}

int main(int argc, char **argv)
{
	char name[] = "ooha-agent"; /* how getopt's own messages begin */
	struct options options;

	argv[0] = name;
	parse_options(argc, argv, &options);
	if (options.exit >= 0) {
		return options.exit;
	}
	oo_log_open("ooha-agent", options.debug ? OO_LOG_DEBUG : OO_LOG_INFO);
	if (options.check && oo_config_check(options.config, print_problem, NULL) < 0) {
		return OO_EXIT_CONFIG;
	}
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		oo_log_last("libcurl does not start");
		return OO_EXIT_SOFTWARE;
	}
	int exit_code = run(&options);
	curl_global_cleanup();
	return exit_code;
}
