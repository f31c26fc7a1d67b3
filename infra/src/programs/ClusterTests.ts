/** Each starts a whole cluster and asserts how fast it is: they run after all other tests, beside each other: both mostly wait. */
export const clusterTests: ReadonlyArray<string> = [
  "infra/test/cluster.test.ts",
  "infra/proofs/bench/test/Failover.test.ts"
]
