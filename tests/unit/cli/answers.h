#ifndef OO_TEST_CLI_ANSWERS_H
#define OO_TEST_CLI_ANSWERS_H
/* What an agent answers to GET /v1/status when all is well: the example of docs/api.md. */
#define ANSWER_FINE                                                                                \
	"{\"version\":1,\"now\":\"2026-01-31T12:00:00.123Z\","                                     \
	"\"agent\":{\"version\":\"0.1.0\",\"node\":\"node-a\",\"zone\":\"az-1\",\"priority\":100," \
	"\"cluster\":\"office\",\"pid\":123,\"uptime_ms\":3723000},"                               \
	"\"state\":\"fine\",\"problems\":[],"                                                      \
	"\"etcd\":{\"connected\":true,\"endpoint\":\"http://10.0.1.11:2379\","                     \
	"\"answered_ms\":120,\"error\":null},"                                                     \
	"\"paused\":null,"                                                                         \
	"\"groups\":[{\"name\":\"office\",\"role\":\"active\","                                    \
	"\"cause\":\"took over: node-b silent for 3030 ms\",\"since_ms\":61000,"                   \
	"\"holder\":\"node-a\",\"holder_zone\":\"az-1\",\"zones\":\"any\","                        \
	"\"holder_is_self\":true,"                                                                 \
	"\"kind\":\"taken\",\"epoch\":7,\"ttl_ms\":3000,"                                          \
	"\"acquired_at\":\"2026-01-31T11:58:59Z\",\"hold_left_ms\":2710,\"silent_ms\":120,"        \
	"\"degraded\":false,\"eligible\":true,\"reason\":null,"                                    \
	"\"vips\":[{\"address\":\"10.0.0.100/24\",\"interface\":\"eth0\",\"up\":true,"             \
	"\"announced_ms\":900,\"announcements\":12,\"repairs\":0,\"error\":null}]}],"              \
	"\"members\":["                                                                            \
	"{\"node\":\"node-a\",\"zone\":\"az-1\",\"priority\":100,\"eligible\":true,"               \
	"\"reason\":null,\"self\":true,\"holds\":[\"office\"],\"seen_ms\":400,"                    \
	"\"agent_version\":\"0.1.0\","                                                             \
	"\"groups\":{\"office\":{\"eligible\":true,\"reason\":null}}},"                            \
	"{\"node\":\"node-b\",\"zone\":\"az-2\",\"priority\":90,\"eligible\":true,"                \
	"\"reason\":null,\"self\":false,\"holds\":[],\"seen_ms\":1500,"                            \
	"\"agent_version\":\"0.1.0\","                                                             \
	"\"groups\":{\"office\":{\"eligible\":true,\"reason\":null}}}],"                           \
	"\"checks\":["                                                                             \
	"{\"name\":\"proxy\",\"type\":\"http\",\"state\":\"up\",\"reason\":\"ok\","                \
	"\"seen\":\"200\",\"streak\":12,\"age_ms\":700,\"took_ms\":3,\"rise\":2,\"fall\":2,"       \
	"\"interval_ms\":2000,\"timeout_ms\":4000,\"phases_us\":{\"name\":0,\"connect\":120,"      \
	"\"tls\":0,\"first_byte\":2100,\"total\":2300}},"                                          \
	"{\"name\":\"docservice\",\"type\":\"http\",\"state\":\"up\",\"reason\":\"ok\","           \
	"\"seen\":\"200\",\"streak\":120,\"age_ms\":200,\"took_ms\":1,\"rise\":2,\"fall\":2,"      \
	"\"interval_ms\":1000,\"timeout_ms\":1000,\"phases_us\":{\"name\":0,\"connect\":90,"       \
	"\"tls\":0,\"first_byte\":800,\"total\":900}}]}"

#endif
