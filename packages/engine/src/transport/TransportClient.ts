import { type Msg, type NatsConnection, nuid } from "@nats-io/transport-node"
import { Effect, Schedule, type Scope } from "effect"
import { RpcClient, type RpcMessage, RpcSerialization } from "effect/rpc"
import { link, type Link, Nats } from "@halles/shared/clients/Nats"
import * as Subject from "@halles/shared/Subject"
import { type AnswerFrame, type CallFrame, isAnswer } from "./CallFrames.ts"
import { clientError, MessageTooLarge } from "./TransportErrors.ts"
import { type Fork, InOrder, makeFork } from "./InOrder.ts"
import type { Limits } from "./TransportLimits.ts"
import { encode, kindOf, kinds, packet, PacketReader, PacketWriter, type PartBudget, textOf } from "./Wire.ts"

type Answer = (answer: AnswerFrame | MessageTooLarge | null) => void

type Respond = (clientId: number, response: RpcMessage.FromServerEncoded) => Effect.Effect<void>

/** Ticks of silence after which a runner that owes an answer and has lost its shards is given up. */
const forsakenTicks = 3

/** What the peers of one process share: the inbox of all replies, and the state of the NATS connection. */
interface Inbox {
  readonly nats: NatsConnection
  readonly link: Link
  readonly limits: Limits
  readonly serialization: RpcSerialization.RpcSerialization["Service"]
  readonly parts: PartBudget
  readonly connections: Map<string, Connection>
  readonly replySubject: (connection: string) => string
  readonly packetBytesMax: () => number
  peersMade: number
}

/** One conversation with one process of a runner; it never outlives a lost packet, a break of NATS, or the runner. */
class Connection {
  readonly requests = new Map<string | number, { readonly clientId: number; readonly bytes: number }>()
  readonly calls = new Map<number, { readonly answer: Answer; readonly bytes: number }>()
  readonly parser: RpcSerialization.Parser
  readonly reader: PacketReader
  readonly writer: PacketWriter
  requestBytes = 0
  /** The runner answers here once it has said welcome. */
  session: string | undefined
  /** The runner stops: it finishes these calls and takes no new ones. */
  closing = false
  private waiting: Array<Uint8Array> = []
  private heard = true
  private silentTicks = 0
  private idleTicks = 0
  readonly id: string
  private readonly peer: Peer
  private readonly inbox: Inbox

  constructor(id: string, peer: Peer, inbox: Inbox) {
    this.id = id
    this.peer = peer
    this.inbox = inbox
    this.parser = inbox.serialization.makeUnsafe()
    this.reader = new PacketReader(inbox.parts, inbox.limits)
    this.writer = new PacketWriter((bytes) => this.publish(bytes), inbox.packetBytesMax())
    this.hello()
  }

  send(bytes: Uint8Array): void {
    this.idleTicks = 0
    this.writer.write(bytes)
  }

  receive(message: Msg): void {
    this.heard = true
    this.peer.isSilent = false
    if (message.data.length === 0) return this.peer.fail(this, "no responders")
    const bytes = message.data
    switch (kindOf(bytes)) {
      case kinds.welcome:
        return this.open(textOf(bytes))
      case kinds.closing: {
        if (textOf(bytes) !== this.session) return
        this.closing = true
        return this.peer.settle(this)
      }
      case kinds.reset: {
        const [session, ...reason] = textOf(bytes).split(" ")
        if (this.session !== undefined && this.session !== session) return
        return this.peer.fail(this, reason.join(" "))
      }
      default: {
        const body = this.reader.accept(bytes)
        if (typeof body === "string") return this.peer.fail(this, body)
        if (body !== undefined) this.peer.deliver(this, body)
      }
    }
  }

  tick(): void {
    const { idleMs, silenceMs, tickMs } = this.inbox.limits
    if (this.unanswered === 0) {
      this.silentTicks = 0
      this.idleTicks += 1
      if (this.idleTicks * tickMs >= idleMs) this.peer.close(this)
      return
    }
    // Counted in ticks, so that a pause of this very process is not taken for one of the peer.
    this.silentTicks = this.heard ? 0 : this.silentTicks + 1
    this.heard = false
    if (this.silentTicks * tickMs >= silenceMs) this.peer.fail(this, "silent")
    else if (this.session === undefined) this.hello()
    else this.writer.control(kinds.ping)
  }

  /** Its shards went elsewhere: a runner that has said nothing for a while is not waited for. */
  forsake(runner: string): void {
    const isSilent = this.peer.isSilent || this.silentTicks >= forsakenTicks
    if (this.peer.runner === runner && isSilent) this.peer.fail(this, "silent, and replaced")
  }

  /** Requests and calls without answer. */
  get unanswered(): number {
    return this.requests.size + this.calls.size
  }

  forget(id: string | number): void {
    const request = this.requests.get(id)
    if (request === undefined) return
    this.requests.delete(id)
    this.requestBytes -= request.bytes
  }

  forgetCall(id: number): Answer | undefined {
    const call = this.calls.get(id)
    if (call === undefined) return undefined
    this.calls.delete(id)
    this.requestBytes -= call.bytes
    return call.answer
  }

  /** Clients of the peer that wait for an answer. */
  callers(): Set<number> {
    return new Set(Array.from(this.requests.values(), (request) => request.clientId))
  }

  end(reason: string): void {
    this.peer.fail(this, reason)
  }

  bye(): void {
    this.reader.release()
    this.writer.flush()
    if (this.session !== undefined && this.inbox.link.up) this.put(this.session, packet(kinds.bye, 0))
  }

  private hello(): void {
    this.put(this.peer.subject, packet(kinds.hello, 0))
  }

  private open(session: string): void {
    if (this.session !== undefined) {
      // A second process under the same id heard the greeting too; this conversation is not with that one.
      if (session !== this.session) this.put(session, packet(kinds.bye, 0))
      return
    }
    this.session = session
    const waiting = this.waiting
    this.waiting = []
    for (const bytes of waiting) this.put(session, bytes)
  }

  private publish(bytes: Uint8Array): void {
    if (this.session === undefined) this.waiting.push(bytes)
    else this.put(this.session, bytes)
  }

  private put(subject: string, bytes: Uint8Array): void {
    try {
      this.inbox.nats.publish(subject, bytes, { reply: this.inbox.replySubject(this.id) })
    } catch {
      // The connection is closed for good: the link says so, and that fails every call.
    }
  }
}

/** All calls of this process to one runner. */
class Peer {
  current: Connection | undefined
  /** The last conversation ended in silence, and nothing was heard since: a new one has no silence of its own yet. */
  isSilent = false
  readonly subject: string
  private connectionsMade = 0
  private callsMade = 0
  private readonly number: number
  private readonly inbox: Inbox
  readonly runner: string
  private readonly clientIds: ReadonlySet<number>
  private readonly respond: Respond
  private readonly fork: Fork
  private readonly inOrder: InOrder

  constructor(inbox: Inbox, runner: string, clientIds: ReadonlySet<number>, respond: Respond, fork: Fork) {
    this.inbox = inbox
    this.runner = runner
    this.subject = Subject.runner(runner.slice(0, 2), runner)
    this.number = ++inbox.peersMade
    this.clientIds = clientIds
    this.respond = respond
    this.fork = fork
    this.inOrder = new InOrder(fork)
  }

  send(clientId: number, message: RpcMessage.FromClientEncoded) {
    if (message._tag !== "Request") return this.sendControl(message)
    const refused = this.refusal()
    if (refused !== undefined) return Effect.fail(clientError(this.runner, refused))
    const connection = (this.current ??= this.connect())
    const frame = encode(connection.parser, message)
    const bytesMax = this.inbox.limits.messageBytesMax
    if (frame.length > bytesMax) return Effect.die(new MessageTooLarge({ bytes: frame.length, bytesMax }))
    if (message.isNotification !== true) {
      connection.requests.set(message.id, { clientId, bytes: frame.length })
      connection.requestBytes += frame.length
    }
    connection.send(frame)
    return Effect.void
  }

  call(frame: (id: number) => CallFrame, answer: Answer): () => void {
    if (this.refusal() !== undefined) {
      answer(null)
      return () => undefined
    }
    const connection = (this.current ??= this.connect())
    const id = ++this.callsMade
    const bytes = Buffer.from(`${JSON.stringify(frame(id))}\n`)
    const bytesMax = this.inbox.limits.messageBytesMax
    if (bytes.length > bytesMax) {
      answer(new MessageTooLarge({ bytes: bytes.length, bytesMax }))
      return () => undefined
    }
    connection.calls.set(id, { answer, bytes: bytes.length })
    connection.requestBytes += bytes.length
    connection.send(bytes)
    return () => {
      if (connection.forgetCall(id) !== undefined) this.settle(connection)
    }
  }

  deliver(connection: Connection, body: Uint8Array): void {
    let responses: ReadonlyArray<unknown>
    try {
      responses = connection.parser.decode(body)
    } catch {
      return this.fail(connection, "cannot decode a reply")
    }
    for (const response of responses) {
      if (isAnswer(response)) connection.forgetCall(response[0])?.(response)
      else this.deliverOne(connection, response as RpcMessage.FromServerEncoded)
    }
    this.settle(connection)
  }

  /** Every call that has no answer yet ends as unavailable; the next one starts a new connection. */
  fail(connection: Connection, reason: string): void {
    if (this.current !== connection) return
    this.isSilent ||= reason === "silent"
    const ids = connection.callers()
    const calls = [...connection.calls.values()]
    connection.calls.clear()
    connection.writer.discard()
    this.close(connection)
    for (const { answer } of calls) answer(null)
    if (ids.size > 0) this.broadcast({ _tag: "ClientProtocolError", error: clientError(this.runner, reason) }, ids)
  }

  close(connection: Connection): void {
    if (this.current !== connection) return
    this.current = undefined
    this.inbox.connections.delete(connection.id)
    connection.bye()
  }

  /** A connection to a runner that stops is closed once every call has its answer. */
  settle(connection: Connection): void {
    if (connection.closing && connection.unanswered === 0) this.close(connection)
  }

  private deliverOne(connection: Connection, response: RpcMessage.FromServerEncoded): void {
    if (response._tag === "Defect") {
      const ids = connection.callers()
      connection.requests.clear()
      connection.requestBytes = 0
      return this.broadcast(response, ids)
    }
    if (response._tag !== "Chunk" && response._tag !== "Exit") return
    const request = connection.requests.get(response.requestId)
    if (request === undefined) return
    if (response._tag === "Exit") connection.forget(response.requestId)
    this.inOrder.run(response.requestId, this.respond(request.clientId, response))
  }

  /** To every RPC client of this process. One of `callers` may not listen yet, and is in no list then: it gets the response once it does. */
  private broadcast(response: RpcMessage.FromServerEncoded, callers: ReadonlySet<number>): void {
    for (const clientId of new Set([...callers, ...this.clientIds])) this.fork(this.respond(clientId, response))
  }

  private refusal(): string | undefined {
    const { requestBytesMax, requestsMax } = this.inbox.limits
    if (!this.inbox.link.up) return "no connection to NATS"
    if (this.current === undefined) return undefined
    if (this.current.closing) return "stopping"
    const full = this.current.unanswered >= requestsMax || this.current.requestBytes >= requestBytesMax
    return full ? "too many calls without answer" : undefined
  }

  /** Acks and interrupts of a call whose connection is gone have nothing left to reach. */
  private sendControl(message: Exclude<RpcMessage.FromClientEncoded, RpcMessage.RequestEncoded>) {
    const connection = this.current
    if (connection === undefined) return Effect.void
    if ("requestId" in message && !connection.requests.has(message.requestId)) return Effect.void
    if (message._tag === "Interrupt") connection.forget(message.requestId)
    connection.send(encode(connection.parser, message))
    this.settle(connection)
    return Effect.void
  }

  private connect(): Connection {
    const id = `${this.number}-${++this.connectionsMade}`
    const connection = new Connection(id, this, this.inbox)
    this.inbox.connections.set(id, connection)
    return connection
  }
}

const nobody: ReadonlySet<number> = new Set()

/** Opens the inbox of this process. */
export const make = Effect.fnUntraced(function* (options: { readonly region: string; readonly limits: Limits }) {
  const nats = yield* Nats
  const serialization = yield* RpcSerialization.RpcSerialization
  const scope = yield* Effect.scope
  const fork = makeFork(scope, yield* Effect.context<never>())
  const connections = new Map<string, Connection>()
  const each = (act: (connection: Connection) => void): void => {
    for (const connection of Array.from(connections.values())) act(connection)
  }
  const failAll = (reason: string) => each((connection) => connection.end(reason))
  const state = yield* link(nats, (up) => (up ? undefined : failAll("NATS went away")))
  const process = nuid.next()
  let packetBytesMax = 1024 * 1024
  const inbox: Inbox = {
    nats,
    link: state,
    limits: options.limits,
    serialization,
    parts: { bytes: 0 },
    connections,
    replySubject: (connection) => Subject.reply(options.region, process, connection),
    packetBytesMax: () => (packetBytesMax = nats.info?.max_payload ?? packetBytesMax),
    peersMade: 0
  }
  yield* Effect.acquireRelease(
    Effect.sync(() =>
      nats.subscribe(Subject.reply(options.region, process, "*"), {
        callback: (error, message) => {
          if (error !== null) return failAll("NATS refused the inbox")
          connections.get(message.subject.slice(message.subject.lastIndexOf(".") + 1))?.receive(message)
        }
      })
    ),
    (subscription) => Effect.sync(() => subscription.unsubscribe())
  )
  const tick = Effect.sync(() => each((connection) => connection.tick()))
  yield* Effect.forkScoped(Effect.repeat(tick, Schedule.spaced(options.limits.tickMs)))
  // One for each runner that was ever called; their connections close when they are idle.
  const callees = new Map<string, Peer>()
  const call = (runner: string, frame: (id: number) => CallFrame, answer: Answer) => {
    let peer = callees.get(runner)
    if (peer === undefined) {
      peer = new Peer(inbox, runner, nobody, () => Effect.void, fork)
      callees.set(runner, peer)
    }
    return peer.call(frame, answer)
  }
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => callees.forEach((peer) => peer.current && peer.close(peer.current)))
  )
  /** Effect's own protocol to one runner. */
  const protocolOf = (runner: string): Effect.Effect<RpcClient.Protocol["Service"], never, Scope.Scope> =>
    RpcClient.Protocol.make((respond, clientIds) =>
      Effect.gen(function* () {
        const peer = new Peer(inbox, runner, clientIds, respond, fork)
        yield* Effect.addFinalizer(() => Effect.sync(() => peer.current && peer.close(peer.current)))
        return {
          send: (clientId, message) => Effect.suspend(() => peer.send(clientId, message)),
          supportsAck: true,
          supportsTransferables: false,
          codecFor: serialization.codecFor
        }
      })
    )
  const forsake = (runner: string) => each((connection) => connection.forsake(runner))
  return { call, forsake, protocolOf }
})
