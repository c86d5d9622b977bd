//go:build pid1

#include "textflag.h"

DATA oneProc<>+0(SB)/8, $"GOMAXPRO"
DATA oneProc<>+8(SB)/8, $"CS=1\x00\x00\x00\x00"
GLOBL oneProc<>(SB), RODATA|NOPTR, $16

// struct sigaction as the kernel has it: handler, SA_RESTORER, restorer, mask
DATA note<>+0(SB)/8, $noted<>(SB)
DATA note<>+8(SB)/8, $0x04000000
DATA note<>+16(SB)/8, $return<>(SB)
DATA note<>+24(SB)/8, $-1
GLOBL note<>(SB), RODATA|NOPTR, $32

// NOTE is rt_sigaction(sig, note, NULL, 8).
#define NOTE(sig) \
	MOVQ $13, AX         \
	MOVQ $sig, DI        \
	LEAQ note<>(SB), SI  \
	XORQ DX, DX          \
	MOVQ $8, R10         \
	SYSCALL

// The entry point of PID 1, in front of the Go runtime's own (link with
// -E _slashdev_entry). It mends what would kill the runtime, or steer it,
// before main:
//
//   - descriptors 0-2 that the kernel could not open are filled with empty
//     memory files, or the runtime looks for /dev/null and dies (trap G1, P-02);
//   - words like GOGC=off or GOMEMLIMIT=junk of the boot command line, which
//     the kernel hands over as environment, lose their name (trap G11, P-10);
//   - the first word, the kernel's HOME=/, becomes GOMAXPROCS=1: the loop is
//     serial, and a second processor only costs threads. main clears them all;
//   - the five signals that would kill a Go program, which the runtime lets come
//     long before main asks for them, wait for main: until the runtime has a
//     handler by one that does what its does, from then on because it takes them
//     for wanted (trap G2). That needs offsets in the runtime's variable sig:
//     link with -checklinkname=0; TestSignalsBeforeMain and
//     TestSignalsDuringReexec fail when Go moves them.
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
	NOTE(1)
	NOTE(2)
	NOTE(3)
	NOTE(6)
	NOTE(15)
	MOVL $0x804E, runtime·sig+20(SB) // sig.wanted
	JMP _rt0_amd64_linux(SB)

TEXT noted<>(SB), NOSPLIT|NOFRAME, $0
	MOVL DI, CX
	MOVL $1, AX
	SHLL CX, AX
	ORL  AX, runtime·sig+8(SB)  // sig.mask: they have come
	MOVL $2, runtime·sig+56(SB) // sig.state: sigSending
	RET

TEXT return<>(SB), NOSPLIT|NOFRAME, $0
	MOVQ $15, AX // rt_sigreturn
	SYSCALL
	INT  $3
