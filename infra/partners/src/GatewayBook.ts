import { Clock, Context, Effect, Layer } from "effect"
import { randomUUID } from "node:crypto"
import * as GatewayLedger from "./GatewayLedger.ts"
import * as LedgerFile from "./LedgerFile.ts"
import { Problem } from "./Partner.ts"
import { Webhooks } from "./Webhooks.ts"

/** All of them are in memory, about 1 KB each; beyond it the gateway answers 503. */
const authorisationsMax = 1_000_000
const lateMs = 3_000

export interface Submitted {
  readonly entry: GatewayLedger.Answered
  /** False when the answer is that of an earlier request. */
  readonly first: boolean
}

/** Every authorisation and every answer given, in memory and in the ledger file. */
export class GatewayBook extends Context.Service<
  GatewayBook,
  {
    /** Carries out the operation once for its reference and answers when that is on disk. */
    readonly submit: (operation: GatewayLedger.Operation) => Effect.Effect<Submitted, Problem>
    readonly isKnown: (reference: string) => boolean
    readonly byId: (id: string) => Effect.Effect<GatewayLedger.Authorisation, Problem>
    /** The authorisation that an operation of this reference belongs to. */
    readonly byReference: (reference: string) => Effect.Effect<GatewayLedger.Authorisation, Problem>
    readonly isAlive: () => boolean
  }
>()("@halles/partners/GatewayBook") {
  static readonly layer = (options: { readonly path: string }) => Layer.effect(GatewayBook, make(options.path))
}

const notFound = new Problem({ status: 404, code: "not_found" })
const reused = new Problem({ status: 422, code: "reference_reused" })
const busy = new Problem({ status: 503, code: "busy" })
const full = new Problem({ status: 503, code: "ledger_full" })

const make = Effect.fnUntraced(function* (path: string) {
  const webhooks = yield* Webhooks
  const clock = yield* Clock.Clock
  const authorisations = new Map<string, GatewayLedger.Authorisation>()
  const answers = new Map<string, GatewayLedger.Answered>()
  const unsettled = new Map<string, GatewayLedger.Change>()

  const apply = (entry: GatewayLedger.Answered) => {
    answers.set(entry.reference, entry)
    authorisations.set(entry.authorisationId, GatewayLedger.evolve(authorisations.get(entry.authorisationId), entry))
  }
  const replay = (entry: GatewayLedger.Entry) => {
    if (entry._tag === "Settled") return void unsettled.delete(entry.eventId)
    apply(entry)
    if (entry._tag !== "Refused") unsettled.set(entry.eventId, entry)
  }
  const file = yield* LedgerFile.open({ path, schema: GatewayLedger.Entry, replay })

  const send = (change: GatewayLedger.Change) => {
    const state = authorisations.get(change.authorisationId)!
    const { eventId } = change
    webhooks.send({
      eventId,
      body: () => JSON.stringify(GatewayLedger.webhook(state, change)),
      notBefore: state.token === "tok_late_webhook" ? change.at + lateMs : change.at,
      copies: state.token === "tok_duplicate_webhook" ? 2 : 1,
      settled: (delivered) => file.append({ _tag: "Settled", eventId, delivered })
    })
  }
  for (const change of unsettled.values()) send(change)
  unsettled.clear()

  const decide = (operation: GatewayLedger.Operation): GatewayLedger.Answered | Problem => {
    if (file.isFull()) return busy
    const isNew = operation._tag === "Authorise"
    if (isNew && authorisations.size >= authorisationsMax) return full
    const state = isNew ? null : authorisations.get(operation.authorisationId)
    if (state === undefined) return notFound
    return GatewayLedger.decide(state, operation, {
      authorisationId: `auth_${randomUUID()}`,
      eventId: `evt_${randomUUID()}`,
      at: clock.currentTimeMillisUnsafe()
    })
  }
  const submit = (operation: GatewayLedger.Operation) =>
    Effect.suspend(() => {
      const known = answers.get(operation.reference)
      if (known !== undefined && known.request !== GatewayLedger.request(operation)) return Effect.fail(reused)
      const entry = known ?? decide(operation)
      if (entry._tag === "Problem") return Effect.fail(entry)
      if (known === undefined) {
        apply(entry)
        file.append(entry, entry._tag === "Refused" ? undefined : () => send(entry))
      }
      return Effect.as(file.durable, { entry, first: known === undefined })
    })
  const byId = (id: string) =>
    Effect.suspend(() => {
      const state = authorisations.get(id)
      return state === undefined ? Effect.fail(notFound) : Effect.as(file.durable, state)
    })
  return GatewayBook.of({
    submit,
    isKnown: (reference) => answers.has(reference),
    byId,
    byReference: (reference) => Effect.suspend(() => byId(answers.get(reference)?.authorisationId ?? "")),
    isAlive: () => !file.isBroken()
  })
})
