import { defineConfig } from "vitest/config"
import { clusterTests } from "./infra/src/programs/ClusterTests.ts"

// Servers come from `npm test`, which hands their addresses over in HALLES_TEST_*.
export default defineConfig({
  test: {
    pool: "forks",
    // As our own processes have it: with 16 MB so much outlives a collection that a tenth of the work was copying it.
    execArgv: ["--max-semi-space-size=64"],
    // Two more than there are cores: the clusters begin first and have a worker each, and a good half of the other tests
    // mostly waits.
    maxWorkers: 4,
    // Ends what hangs, on a machine that is busy too: no test judges by it.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 60_000,
    restoreMocks: true,
    projects: [
      {
        extends: true,
        test: {
          name: "parts",
          include: ["packages/*/{src,test}/**/*.test.ts", "infra/{test,partners/test,proofs/*/test}/**/*.test.ts"],
          exclude: [...clusterTests],
          // Files of one worker share its modules: what each imports is loaded and compiled once. None leaves anything in them.
          isolate: false
        }
      },
      { extends: true, test: { name: "clusters", include: [...clusterTests] } }
    ]
  }
})
