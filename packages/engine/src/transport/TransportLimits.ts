/** Bounds of the transport, with what happens at each. Times are milliseconds. */
export interface Limits {
  /** One message, encoded. Above it a call of an entity fails with `TooLarge`; what goes by Effect's own way dies with `MessageTooLarge`. */
  readonly messageBytesMax: number
  /** Calls without answer to one peer. Above it the call fails as unavailable and `Sharding` tries again later. */
  readonly requestsMax: number
  /** Bytes of those calls; the same answer. */
  readonly requestBytesMax: number
  /** Client connections of one runner. Above it the newcomer is refused. */
  readonly connectionsMax: number
  /** Parts of split messages that wait for their rest, all connections of a process. Above it that connection is reset. */
  readonly partBytesMax: number
  /** Between two looks at each connection; a peer that owes an answer is pinged each time. */
  readonly tickMs: number
  /** A peer that owes an answer and says nothing for so long is taken for dead. */
  readonly silenceMs: number
  /** A client connection without calls is closed after this; the runner forgets it after three times this. */
  readonly idleMs: number
  /** How long a runner that stops waits for calls it has begun; then their callers see it as unavailable. */
  readonly drainMs: number
}

const mebibyte = 1024 * 1024

export const defaults: Limits = {
  messageBytesMax: 16 * mebibyte,
  requestsMax: 32_768,
  requestBytesMax: 64 * mebibyte,
  connectionsMax: 4_096,
  partBytesMax: 128 * mebibyte,
  tickMs: 100,
  silenceMs: 1_500,
  idleMs: 60_000,
  drainMs: 3_000
}
