#include "textflag.h"

DATA oneProc<>+0(SB)/8, $"GOMAXPRO"
DATA oneProc<>+8(SB)/8, $"CS=1\x00\x00\x00\x00"
GLOBL oneProc<>(SB), RODATA|NOPTR, $16

// The entry point of PID 1, in front of the Go runtime's own (link with
// -E _slashdev_entry). It mends what would kill the runtime, or steer it,
// before main:
//
//   - descriptors 0-2 that the kernel could not open are filled with empty
//     memory files, or the runtime looks for /dev/null and dies (trap G1, P-02);
//   - words like GOGC=off or GOMEMLIMIT=junk of the boot command line, which
//     the kernel hands over as environment, lose their name (trap G11, P-10);
//   - the first word, the kernel's HOME=/, becomes GOMAXPROCS=1: the loop is
//     serial, and a second processor only costs threads. main clears them all.
TEXT _slashdev_entry(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	XORQ BX, BX

fd:
	MOVQ $72, AX  // fcntl(BX, F_GETFD)
	MOVQ BX, DI
	MOVQ $1, SI
	SYSCALL
	TESTQ AX, AX
	JGE  open
	MOVQ $319, AX // memfd_create(argv[0], 0): the lowest free number, BX
	MOVQ 8(SP), DI
	XORQ SI, SI
	SYSCALL

open:
	INCQ BX
	CMPQ BX, $3
	JLT  fd
	MOVQ 0(SP), CX
	LEAQ 16(SP)(CX*8), BX // envp is behind argc and argv[0..argc]
	MOVQ BX, R12

word:
	MOVQ  (BX), DI
	TESTQ DI, DI
	JZ    runtime
	ADDQ  $8, BX
	CMPB  (DI), $'G'
	JNE   word
	CMPB  1(DI), $'O'
	JNE   word
	MOVB  $'_', (DI)
	JMP   word

runtime:
	CMPQ (R12), $0
	JEQ  start
	LEAQ oneProc<>(SB), DI
	MOVQ DI, (R12)

start:
	JMP _rt0_amd64_linux(SB)
