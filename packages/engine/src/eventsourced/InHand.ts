import type { Activation } from "../journal/GroupCommit.ts"

/** Whose pure code was begun last, and with which message: what a process that stands still in it is asked for (`Watchdog`). */
export const inHand: { activation: Activation | null; message: string } = { activation: null, message: "" }

export const take = (activation: Activation, message: string): void => {
  inHand.activation = activation
  inHand.message = message
}
