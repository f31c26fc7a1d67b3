import type { Msg, NatsConnection } from "@nats-io/transport-node"
import { type Context, Effect, Fiber, Latch, Option, Queue, Schedule } from "effect"
import { type RpcMessage, RpcSerialization, RpcServer } from "effect/rpc"
import { link, Nats } from "@halles/shared/clients/Nats"
import * as Subject from "@halles/shared/Subject"
import { type AnswerFrame, isCall } from "./CallFrames.ts"
import type { TakeCall } from "./CallServer.ts"
import { MessageTooLarge } from "./TransportErrors.ts"
import { InOrder, makeFork } from "./InOrder.ts"
import type { Limits } from "./TransportLimits.ts"
import { encode, kindOf, kinds, PacketReader, PacketWriter, type PartBudget, textPacket } from "./Wire.ts"

/** A client that heard of the stop says good-bye or pings; one that does neither for so many ticks is gone. */
const closingTicks = 5

type Take = (clientId: number, message: RpcMessage.FromClientEncoded) => Effect.Effect<void>

/** One client, by the subject that it wants its replies on. */
interface Client {
  readonly id: number
  readonly replySubject: string
  readonly parser: RpcSerialization.Parser
  readonly reader: PacketReader
  readonly writer: PacketWriter
  readonly inOrder: InOrder
  /** Calls that the client waits for. */
  readonly unanswered: Set<string | number>
  heard: boolean
  silentTicks: number
}

/** The connections of one runner. Nothing here waits: what comes in is handed to `take` at once. */
class Clients {
  readonly byId = new Map<number, Client>()
  readonly ids = new Set<number>()
  readonly none = Latch.makeUnsafe(true)
  closing = false
  takeCall: TakeCall = ([id], answer) => void answer([id, "refused", "EntityNotAssignedToRunner"])
  packetBytesMax = 1024 * 1024
  private readonly bySubject = new Map<string, Client>()
  private readonly parts: PartBudget = { bytes: 0 }
  private made = 0
  private readonly nats: NatsConnection
  private readonly session: string
  private readonly limits: Limits
  private readonly serialization: RpcSerialization.RpcSerialization["Service"]
  private readonly take: Take
  private readonly makeInOrder: () => InOrder
  private readonly onGone: (clientId: number) => void

  constructor(options: {
    readonly nats: NatsConnection
    readonly session: string
    readonly limits: Limits
    readonly serialization: RpcSerialization.RpcSerialization["Service"]
    readonly take: Take
    readonly makeInOrder: () => InOrder
    readonly onGone: (clientId: number) => void
  }) {
    this.nats = options.nats
    this.session = options.session
    this.limits = options.limits
    this.serialization = options.serialization
    this.take = options.take
    this.makeInOrder = options.makeInOrder
    this.onGone = options.onGone
  }

  hello(message: Msg): void {
    const subject = message.reply
    if (subject === undefined || this.closing) return
    this.packetBytesMax = this.nats.info?.max_payload ?? this.packetBytesMax
    // A client opens a connection only when it has given up its earlier one.
    const peer = subject.slice(0, subject.lastIndexOf("-") + 1)
    for (const client of this.bySubject.values())
      if (client.replySubject !== subject && client.replySubject.startsWith(peer)) this.drop(client)
    if (!this.bySubject.has(subject)) {
      if (this.byId.size >= this.limits.connectionsMax) return this.reset(subject, "too many connections")
      this.add(subject)
    }
    this.publish(subject, textPacket(kinds.welcome, this.session))
  }

  receive(message: Msg): void {
    const subject = message.reply
    if (subject === undefined) return
    const client = this.bySubject.get(subject)
    const kind = kindOf(message.data)
    if (client === undefined) return kind === kinds.bye ? undefined : this.reset(subject, "connection unknown")
    client.heard = true
    if (kind === kinds.bye) return this.drop(client)
    const body = client.reader.accept(message.data)
    if (typeof body === "string") return this.end(client, body)
    if (kind === kinds.ping) client.writer.control(kinds.pong)
    if (body !== undefined) this.takeAll(client, body)
  }

  send(clientId: number, response: RpcMessage.FromServerEncoded): Effect.Effect<void> {
    const client = this.byId.get(clientId)
    if (client === undefined) return Effect.void
    const frame = encode(client.parser, response)
    const bytesMax = this.limits.messageBytesMax
    if (frame.length > bytesMax) return Effect.die(new MessageTooLarge({ bytes: frame.length, bytesMax }))
    if (response._tag === "Exit") client.unanswered.delete(response.requestId)
    client.writer.write(frame)
    return Effect.void
  }

  private answer(client: Client, answer: AnswerFrame): MessageTooLarge | undefined {
    const bytes = Buffer.from(`${JSON.stringify(answer)}\n`)
    const bytesMax = this.limits.messageBytesMax
    if (bytes.length > bytesMax) return new MessageTooLarge({ bytes: bytes.length, bytesMax })
    client.unanswered.delete(answer[0])
    if (this.byId.has(client.id)) client.writer.write(bytes)
    return undefined
  }

  tick(): void {
    const { idleMs, silenceMs, tickMs } = this.limits
    for (const client of this.byId.values()) {
      client.silentTicks = client.heard ? 0 : client.silentTicks + 1
      client.heard = false
      const waits = client.unanswered.size > 0 || client.reader.unfinished
      const limitMs = this.closing ? tickMs * closingTicks : waits ? silenceMs : idleMs * 3
      if (client.silentTicks * tickMs >= limitMs) this.end(client, "client silent")
    }
  }

  /** Clients finish what they wait for, then leave; new ones are not let in. */
  close(): void {
    this.closing = true
    for (const client of this.byId.values()) this.publish(client.replySubject, textPacket(kinds.closing, this.session))
  }

  endAll(reason: string): void {
    for (const client of this.byId.values()) this.end(client, reason)
  }

  private end(client: Client, reason: string): void {
    this.reset(client.replySubject, reason)
    this.drop(client)
  }

  private add(replySubject: string): void {
    const id = this.made++
    const client: Client = {
      id,
      replySubject,
      parser: this.serialization.makeUnsafe(),
      reader: new PacketReader(this.parts, this.limits),
      writer: new PacketWriter((bytes) => this.publish(replySubject, bytes), this.packetBytesMax),
      inOrder: this.makeInOrder(),
      unanswered: new Set(),
      heard: true,
      silentTicks: 0
    }
    this.bySubject.set(replySubject, client)
    this.byId.set(id, client)
    this.ids.add(id)
    this.none.closeUnsafe()
  }

  private drop(client: Client): void {
    client.reader.release()
    client.writer.discard()
    this.bySubject.delete(client.replySubject)
    this.byId.delete(client.id)
    this.ids.delete(client.id)
    this.onGone(client.id)
    if (this.byId.size === 0) this.none.openUnsafe()
  }

  private takeAll(client: Client, body: Uint8Array): void {
    let messages: ReadonlyArray<unknown>
    try {
      messages = client.parser.decode(body)
    } catch {
      return this.end(client, "cannot decode a request")
    }
    for (const decoded of messages) {
      if (isCall(decoded)) {
        client.unanswered.add(decoded[0])
        this.takeCall(decoded, (answer) => this.answer(client, answer))
        continue
      }
      const message = decoded as RpcMessage.FromClientEncoded
      if (message._tag === "Request" && message.isNotification !== true) client.unanswered.add(message.id)
      if (message._tag === "Interrupt") client.unanswered.delete(message.requestId)
      const key = message._tag === "Request" ? message.id : "requestId" in message ? message.requestId : ""
      client.inOrder.run(key, this.take(client.id, message))
    }
    if (client.unanswered.size > this.limits.requestsMax) this.end(client, "too many calls without answer")
  }

  private reset(subject: string, reason: string): void {
    this.publish(subject, textPacket(kinds.reset, `${this.session} ${reason}`))
  }

  private publish(subject: string, bytes: Uint8Array): void {
    try {
      this.nats.publish(subject, bytes)
    } catch {
      // The connection to NATS is closed for good, so the process ends; clients notice that nobody answers.
    }
  }
}

/** The protocol of one runner: it listens to greetings on its name, and to everything else on its incarnation. */
export const make = Effect.fnUntraced(function* (options: {
  readonly runner: string
  readonly incarnation: string
  readonly limits: Limits
}) {
  const { incarnation, limits, runner } = options
  const nats = yield* Nats
  const serialization = yield* RpcSerialization.RpcSerialization
  const fork = makeFork(yield* Effect.scope, yield* Effect.context<never>())
  const disconnects = yield* Queue.unbounded<number>()
  const region = runner.slice(0, 2)
  const session = Subject.runnerSession(region, runner, incarnation)
  let clients!: Clients
  const protocol = yield* RpcServer.Protocol.make((take) =>
    Effect.sync(() => {
      clients = new Clients({
        nats,
        session,
        limits,
        serialization,
        take,
        makeInOrder: () => new InOrder(fork),
        onGone: (clientId) => Queue.offerUnsafe(disconnects, clientId)
      })
      return {
        disconnects,
        send: (clientId, response) => Effect.suspend(() => clients.send(clientId, response)),
        end: () => Effect.void,
        clientIds: Effect.sync(() => clients.ids),
        initialMessage: Effect.succeed(Option.none()),
        supportsAck: true,
        supportsTransferables: false,
        supportsSpanPropagation: true,
        supportsNotifications: true,
        codecFor: serialization.codecFor
      }
    })
  )
  // What came or went while NATS was away may be lost, and clients have given those calls up.
  const state = yield* link(nats, (up) => (up ? undefined : clients.endAll("NATS went away")))
  const listen = (subject: string, onMessage: (message: Msg) => void) =>
    Effect.acquireRelease(
      Effect.sync(() =>
        nats.subscribe(subject, { callback: (error, message) => (error === null ? onMessage(message) : undefined) })
      ),
      (subscription) => Effect.sync(() => subscription.unsubscribe())
    )
  yield* listen(session, (message) => clients.receive(message))
  const door = yield* listen(Subject.runner(region, runner), (message) => clients.hello(message))
  yield* Effect.sync(() => clients.tick()).pipe(Effect.repeat(Schedule.spaced(limits.tickMs)), Effect.forkScoped)

  const flush = Effect.suspend(() =>
    state.up
      ? Effect.ignore(
          Effect.timeout(
            Effect.tryPromise(() => nats.flush()),
            limits.drainMs
          )
        )
      : Effect.void
  )
  // Who has this layer can be called: NATS knows the subscriptions.
  yield* flush

  /** Runs before the server interrupts its handlers: calls that were begun are finished, up to `drainMs`. */
  const drain = Effect.gen(function* () {
    door.unsubscribe()
    clients.close()
    yield* Effect.timeoutOption(clients.none.await, limits.drainMs)
    clients.endAll("stopped")
    if (state.up)
      yield* Effect.timeoutOption(
        Effect.promise(() => nats.flush().catch(() => undefined)),
        limits.drainMs
      )
  })
  const serve = (take: TakeCall) => {
    clients.takeCall = take
  }
  const served = RpcServer.Protocol.of({
    ...protocol,
    // On fibers of their own: what is being interrupted could neither go on taking messages nor wait.
    run: (take) =>
      Effect.contextWith((context: Context.Context<never>) => {
        const running = Effect.runForkWith(context)(protocol.run(take))
        const stop = Effect.suspend(() => Fiber.await(Effect.runFork(Effect.ensuring(drain, Fiber.interrupt(running)))))
        return Effect.onExit(Effect.never, () => stop)
      })
  })
  return { protocol: served, serve }
})
