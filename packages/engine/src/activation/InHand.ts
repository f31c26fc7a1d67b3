import type { WriterLease } from "../journal/GroupCommit.ts"

/** Whose pure code was begun last, and with which message: what a process that stands still in it is asked for (`EventLoopStall`). */
export const inHand: { lease: WriterLease | null; message: string } = { lease: null, message: "" }

export const take = (lease: WriterLease, message: string): void => {
  inHand.lease = lease
  inHand.message = message
}
