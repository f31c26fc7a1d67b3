/** Each starts a whole cluster and judges how fast it answers: one after the other, with nothing beside it. */
export const clusterTests: ReadonlyArray<string> = [
  "infra/test/cluster.test.ts",
  "infra/proofs/bench/test/Failover.test.ts"
]
