/** Each starts a whole cluster and takes longest by far: they begin first, and the other tests run beside them. */
export const clusterTests: ReadonlyArray<string> = [
  "infra/test/cluster.test.ts",
  "infra/proofs/bench/test/Failover.test.ts"
]
