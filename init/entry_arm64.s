//go:build pid1

#include "textflag.h"

DATA oneProc<>+0(SB)/8, $"GOMAXPRO"
DATA oneProc<>+8(SB)/8, $"CS=1\x00\x00\x00\x00"
GLOBL oneProc<>(SB), RODATA|NOPTR, $16

DATA note<>+0(SB)/8, $noted<>(SB)
DATA note<>+24(SB)/8, $-1
GLOBL note<>(SB), RODATA|NOPTR, $32

#define NOTE(sig) \
	MOVD $134, R8         \
	MOVD $sig, R0         \
	MOVD $note<>(SB), R1  \
	MOVD $0, R2           \
	MOVD $8, R3           \
	SVC

// The entry point of PID 1; see entry_amd64.s.
TEXT _slashdev_entry(SB), NOSPLIT|NOFRAME|TOPFRAME, $0
	MOVD $0, R19

fd:
	MOVD R19, R0 // fcntl(R19, F_GETFD)
	MOVD $1, R1
	MOVD $25, R8
	SVC
	CMP  $0, R0
	BGE  open
	MOVD 8(RSP), R0 // memfd_create(argv[0], 0)
	MOVD $0, R1
	MOVD $279, R8
	SVC

open:
	ADD  $1, R19
	CMP  $3, R19
	BLT  fd
	MOVD 0(RSP), R0
	MOVD RSP, R1
	ADD  $16, R1
	ADD  R0<<3, R1 // envp
	MOVD R1, R20

word:
	MOVD  (R1), R2
	CBZ   R2, runtime
	ADD   $8, R1
	MOVBU (R2), R3
	CMP   $'G', R3
	BNE   word
	MOVBU 1(R2), R3
	CMP   $'O', R3
	BNE   word
	MOVD  $'_', R3
	MOVB  R3, (R2)
	B     word

runtime:
	MOVD (R20), R2
	CBZ  R2, start
	MOVD $oneProc<>(SB), R2
	MOVD R2, (R20)

start:
	NOTE(1)
	NOTE(2)
	NOTE(3)
	NOTE(6)
	NOTE(15)
	MOVD $0x804E, R2
	MOVW R2, runtime·sig+20(SB) // sig.wanted
	B _rt0_arm64_linux(SB)

TEXT noted<>(SB), NOSPLIT|NOFRAME, $0
	MOVD $1, R2
	LSL  R0, R2
	MOVWU runtime·sig+8(SB), R3
	ORR  R2, R3
	MOVW R3, runtime·sig+8(SB)  // sig.mask
	MOVD $2, R2
	MOVW R2, runtime·sig+56(SB) // sig.state
	RET
