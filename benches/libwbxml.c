/*
 * How long libwbxml takes for the document that benches/push_content.rs reads, in one process.
 *
 * Run: cc -O2 benches/libwbxml.c -l:libwbxml2.so.1 -o target/libwbxml && target/libwbxml
 *
 * The declarations are those of libwbxml 0.11; its shared library is enough, its headers are not needed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef unsigned char octet;
typedef unsigned int number;

void *wbxml_parser_create(void);
void wbxml_parser_destroy(void *parser);
int wbxml_parser_parse(void *parser, octet *octets, number len);
int wbxml_tree_from_wbxml(octet *octets, number len, int language, int charset, void **tree);
void wbxml_tree_destroy(void *tree);
int wbxml_conv_wbxml2xml_create(void **conversion);
int wbxml_conv_wbxml2xml_run(void *conversion, octet *octets, number len, octet **xml, number *xml_len);
void wbxml_conv_wbxml2xml_destroy(void *conversion);

/* The worked example of WAP-167: 76 octets. */
static octet SI[] = "\x02\x05\x6a\x00\x45\xc6\x0d\x03xyz\x00\x85\x03" "email/123/abc.wml\x00"
                    "\x0a\xc3\x07\x19\x99\x06\x25\x15\x23\x15\x10\xc3\x04\x19\x99\x06\x30\x01"
                    "\x03You have 4 new e-mails\x00\x01\x01";
static const number LEN = sizeof(SI) - 1;

static int events(void)
{
    void *parser = wbxml_parser_create();
    int failed = wbxml_parser_parse(parser, SI, LEN);
    wbxml_parser_destroy(parser);
    return failed;
}

static int tree(void)
{
    void *made = NULL;
    int failed = wbxml_tree_from_wbxml(SI, LEN, 0, 0, &made);
    wbxml_tree_destroy(made);
    return failed;
}

static int xml(void)
{
    void *conversion = NULL;
    octet *text = NULL;
    number len = 0;
    int failed = wbxml_conv_wbxml2xml_create(&conversion);
    failed = failed || wbxml_conv_wbxml2xml_run(conversion, SI, LEN, &text, &len);
    wbxml_conv_wbxml2xml_destroy(conversion);
    free(text);
    return failed || len == 0;
}

static double nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
}

static int ascending(const void *one, const void *other)
{
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

static int measure(const char *name, int (*run)(void))
{
    enum { SAMPLES = 100, RUNS = 1000 };
    double took[SAMPLES];
    for (int sample = 0; sample < SAMPLES; sample++) {
        double started = nanoseconds();
        for (int i = 0; i < RUNS; i++)
            if (run()) {
                fprintf(stderr, "%s fails\n", name);
                return 1;
            }
        took[sample] = (nanoseconds() - started) / RUNS;
    }
    qsort(took, SAMPLES, sizeof *took, ascending);
    printf("%-8s fastest %.0f ns, median %.0f ns\n", name, took[0], took[SAMPLES / 2]);
    return 0;
}

int main(void)
{
    return measure("events", events) || measure("tree", tree) || measure("xml", xml);
}
