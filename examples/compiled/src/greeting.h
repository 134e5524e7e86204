#define GREETING "Hello from C"
