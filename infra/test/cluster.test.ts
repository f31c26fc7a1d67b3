import { describe, layer } from "@effect/vitest"
import { ClusterTest } from "./cluster/ClusterTest.ts"
import { attacked, left } from "./cluster/Exposure.ts"
import { handled, inspected, started } from "./cluster/Operation.ts"
import { operatorsPage } from "./cluster/OperatorsPage.ts"
import { deaths, sales } from "./cluster/Saga.ts"

// One cluster for all: a start takes half a minute. The order matters: what wants a cluster at rest comes first, and what
// looks at all that was left behind comes last.
layer(ClusterTest, { excludeTestServices: true, timeout: "3 minutes" })("A whole cluster on real processes", (it) => {
  describe("from its start", () => started(it))
  operatorsPage(it)
  // Strangers are made to wait for a quarter of a minute; customers are served meanwhile.
  describe.concurrent("the order saga, beside strangers", () => {
    attacked(it)
    inspected(it)
    sales(it)
  })
  describe("the order saga, beside deaths", () => deaths(it))
  describe("in the hands of operators", () => handled(it))
  describe("in its files, figures and logs", () => left(it))
})
