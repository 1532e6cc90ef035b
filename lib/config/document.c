#include "config/document.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define FILE_BYTES (1024 * 1024)

static int say_unreadable(struct config_reader *reader, int error_number)
{
	config_wrong_line(reader, 0, "cannot be read: %s", strerror(error_number));
	return -error_number;
}

/* Reads up to FILE_BYTES + 1 bytes; one more than is taken. */
static int read_file(struct config_reader *reader, char *data, size_t *ret_length)
{
	struct stat status;
	size_t length = 0;
	ssize_t n = 1;

	OO_AUTO(oo_close) int fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &status) < 0) {
		return say_unreadable(reader, errno);
	}
	if (!S_ISREG(status.st_mode)) {
		config_wrong_line(reader, 0, "not a file; name a YAML file");
		return -EINVAL;
	}
	while (n > 0 && length <= FILE_BYTES) {
		n = read(fd, data + length, FILE_BYTES + 1 - length);
		length += n > 0 ? (size_t)n : 0;
	}
	if (n < 0) {
		return say_unreadable(reader, errno);
	}
	if (length > FILE_BYTES) {
		config_wrong_line(reader, 0, "larger than 1 MiB, which no configuration needs");
		return -EFBIG;
	}
	*ret_length = length;
	return 0;
}

/* The length of the UTF-8 sequence at text (RFC 3629); 0: it is none. */
static size_t sequence_length(const unsigned char *text, size_t left)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = text[0] < 0x80   ? 1
		   : text[0] < 0xc0 ? 0
		   : text[0] < 0xe0 ? 2
		   : text[0] < 0xf0 ? 3
		   : text[0] < 0xf8 ? 4
				    : 0;
	if (n <= 1 || n > left) {
		return n <= left ? n : 0;
	}
	uint32_t character = text[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80) {
			return 0;
		}
		character = character << 6 | (text[i] & 0x3f);
	}
	bool surrogate = character >= 0xd800 && character <= 0xdfff;
	return character >= least[n] && character <= 0x10ffff && !surrogate ? n : 0;
}

/*
 * libfyaml takes a NUL, and a sequence that is cut off, for the end of the file: half a
 * configuration would be read in silence.
 */
static bool check_encoding(struct config_reader *reader, const char *data, size_t length)
{
	int line = 1;

	for (size_t i = 0; i < length;) {
		unsigned char c = (unsigned char)data[i];
		size_t n = sequence_length((const unsigned char *)data + i, length - i);
		if (n == 0) {
			return config_wrong_line(reader, line,
						 "byte 0x%02x is not UTF-8; save the file as UTF-8",
						 c);
		}
		if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f) {
			return config_wrong_line(reader, line,
						 "control character 0x%02x; take it out", c);
		}
		/* a line ends at LF, CR or CR LF, as libfyaml counts them */
		line += c == '\n' || (c == '\r' && (i + 1 == length || data[i + 1] != '\n'));
		i += n;
	}
	return true;
}

static int say_not_yaml(struct config_reader *reader, struct config_document *document)
{
	void *position = NULL;
	struct fy_diag_error *error = fy_diag_errors_iterate(document->diag, &position);

	if (error != NULL && error->msg != NULL) {
		config_wrong_line(reader, error->line, "not YAML at column %d: %s", error->column,
				  error->msg);
	} else {
		config_wrong_line(reader, 0, "not YAML 1.1 or 1.2");
	}
	return -EINVAL;
}

static int parse(struct config_reader *reader, struct config_document *document, size_t length)
{
	struct fy_diag_cfg quiet;
	fy_diag_cfg_default(&quiet);
	quiet.fp = NULL;
	document->diag = fy_diag_create(&quiet);
	if (document->diag == NULL) {
		reader->out_of_memory = true;
		return -ENOMEM;
	}
	fy_diag_set_collect_errors(document->diag, true);
	/* duplicate keys are let through so that we can say where the first one is */
	document->parser = fy_parser_create(&(struct fy_parse_cfg){
		.flags = FYPCF_ALLOW_DUPLICATE_KEYS, .diag = document->diag});
	if (document->parser == NULL ||
	    fy_parser_set_string(document->parser, document->data, length) != 0) {
		reader->out_of_memory = true;
		return -ENOMEM;
	}
	document->tree = fy_parse_load_document(document->parser);
	if (fy_parser_get_stream_error(document->parser)) {
		return say_not_yaml(reader, document);
	}
	if (document->tree == NULL || fy_node_is_null(fy_document_root(document->tree))) {
		config_wrong_line(reader, 1,
				  "empty; give at least cluster, etcd.endpoints and one group");
		return -EINVAL;
	}
	struct fy_document *second = fy_parse_load_document(document->parser);
	if (second != NULL) {
		struct fy_node *root = fy_document_root(second);
		config_wrong_line(reader, fy_node_is_null(root) ? 0 : config_line(root),
				  "a second document; one is read, take out the line ---");
		fy_parse_document_destroy(document->parser, second);
		return -EINVAL;
	}
	return fy_parser_get_stream_error(document->parser) ? say_not_yaml(reader, document) : 0;
}

int config_document_open(struct config_reader *reader, struct config_document *document)
{
	size_t length = 0;

	document->data = malloc(FILE_BYTES + 1);
	if (document->data == NULL) {
		reader->out_of_memory = true;
		return -ENOMEM;
	}
	int r = read_file(reader, document->data, &length);
	if (r < 0) {
		return r;
	}
	if (!check_encoding(reader, document->data, length)) {
		return -EINVAL;
	}
	return parse(reader, document, length);
}

void config_document_close(struct config_document *document)
{
	if (document->tree != NULL) {
		fy_parse_document_destroy(document->parser, document->tree);
	}
	if (document->parser != NULL) {
		fy_parser_destroy(document->parser);
	}
	if (document->diag != NULL) {
		fy_diag_destroy(document->diag);
	}
	free(document->data);
}
