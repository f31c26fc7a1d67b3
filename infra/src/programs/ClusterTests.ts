/** Each starts a whole cluster and holds it against a clock: they run behind the other tests, one after the other. */
export const clusterTests: ReadonlyArray<string> = [
  "infra/test/cluster.test.ts",
  "infra/proofs/bench/test/Failover.test.ts"
]
