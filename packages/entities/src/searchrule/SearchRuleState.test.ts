import { assert, it } from "@effect/vitest"
import { evolved } from "@halles/engine/eventsourced/Model"
import { CommandId, SkuCode } from "@halles/shared/Ids"
import { Result } from "effect"
import type { ContentRefused } from "../routes/ContentRefused.ts"
import { type Description, PutSearchRule, RemoveSearchRule, SearchRuleId } from "./SearchRule.ts"
import * as SearchRuleState from "./SearchRuleState.ts"

const commandId = CommandId.make("c")
const put = (effect: Description["effect"], more: Partial<Description> = {}) =>
  new PutSearchRule({ commandId, title: "Sofas", effect, ...more })
const remove = new RemoveSearchRule({ commandId })
const decided = (state: SearchRuleState.State, command: SearchRuleState.Command) =>
  SearchRuleState.decide(state, command, 7)
const after = (state: SearchRuleState.State, command: SearchRuleState.Command): SearchRuleState.State =>
  evolved(
    SearchRuleState,
    state,
    Result.getOrElse(decided(state, command), () => []),
    1
  )
const faults = (command: SearchRuleState.Command) =>
  (Result.getOrThrow(Result.flip(decided(SearchRuleState.initial, command))) as ContentRefused).errors.map(
    ({ pointer }) => pointer
  )

const sofas = put({ kind: "synonyms", terms: ["sofa", "couch"] })
const pins = put({ kind: "pins", queries: [], skus: [SkuCode.make("SOFA-1")], badge: "sponsored" })

it("a rule says what was put last, until it is removed", () => {
  const known = [sofas, pins].reduce(after, SearchRuleState.initial)
  const id = SearchRuleId.make("eu_sofas")
  assert.deepInclude(SearchRuleState.view(id, known, 2), {
    region: "eu",
    effect: pins.effect,
    removed: false
  })
  assert.deepStrictEqual(Result.getOrThrow(decided(known, pins)), [])
  const removed = after(known, remove)
  assert.deepInclude(SearchRuleState.view(id, removed, 3), { removed: true })
  assert.deepStrictEqual(Result.getOrThrow(decided(removed, remove)), [])
  assert.lengthOf(Result.getOrThrow(decided(removed, pins)), 1)
  assert.strictEqual(Result.getOrThrow(Result.flip(decided(SearchRuleState.initial, remove)))._tag, "NotFound")
})

it("what nobody can search for is no rule, nor is what is over before it begins", () => {
  assert.deepStrictEqual(faults(put({ kind: "synonyms", terms: ["sofa"] })), ["/effect/terms"])
  assert.deepStrictEqual(faults(put({ kind: "synonyms", terms: ["sofa", "?!"], root: "…" })), [
    "/effect/terms/1",
    "/effect/root"
  ])
  assert.deepStrictEqual(faults(put({ kind: "redirect", queries: ["-"], target: { path: "/sale" } })), [
    "/effect/queries/0"
  ])
  assert.deepStrictEqual(faults(put(pins.effect, { from: 5, until: 5 })), ["/until"])
})
