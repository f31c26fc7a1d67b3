/** Each starts a whole cluster and asserts how fast it is: they run beside each other, after all other tests. Both mostly wait. */
export const clusterTests: ReadonlyArray<string> = [
  "infra/test/cluster.test.ts",
  "infra/proofs/bench/test/Failover.test.ts"
]
