import { describe, layer } from "@effect/vitest"
import { ClusterTest } from "./cluster/ClusterTest.ts"
import { attacked, left } from "./cluster/Exposure.ts"
import { handled, inspected, signedIn, started } from "./cluster/Operation.ts"
import { operatorsPage } from "./cluster/OperatorsPage.ts"
import { deaths, sales } from "./cluster/Saga.ts"

// One cluster for all: a start takes some ten seconds. The order matters: what wants a cluster at rest comes first, and what
// looks at all that was left behind comes last.
layer(ClusterTest, { excludeTestServices: true, timeout: "3 minutes" })("A whole cluster on real processes", (it) => {
  // Both mostly wait: strangers for the end of their patience, the other for alarms that do not come.
  describe.concurrent("from its start, beside strangers", () => {
    attacked(it)
    started(it)
  })
  operatorsPage(it)
  describe.concurrent("the order saga, looked into", () => {
    inspected(it)
    sales(it)
  })
  describe("the order saga, beside deaths", () => deaths(it))
  describe.concurrent("in the hands of operators", () => {
    signedIn(it)
    describe("at work", { concurrent: false }, () => handled(it))
  })
  describe("in its files, figures and logs", () => left(it))
})
