#include "textflag.h"

// The entry point of PID 1, in front of the Go runtime's own (link with
// -E _slashdev_entry). It mends what would kill the runtime, or steer it,
// before main:
//
//   - descriptors 0-2 that the kernel could not open are filled with empty
//     memory files, or the runtime looks for /dev/null and dies (trap G1, P-02);
//   - words like GOGC=off or GOMEMLIMIT=junk of the boot command line, which
//     the kernel hands over as environment, lose their name (trap G11, P-10).
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
	JMP _rt0_amd64_linux(SB)
