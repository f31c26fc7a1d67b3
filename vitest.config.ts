import { defineConfig } from "vitest/config"
import { clusterTests } from "./infra/src/programs/ClusterTests.ts"

// Servers come from `npm test`, which hands their addresses over in HALLES_TEST_*.
export default defineConfig({
  test: {
    pool: "forks",
    // As our own processes have it: with 16 MB so much outlives a collection that a tenth of the work was copying it.
    execArgv: ["--max-semi-space-size=64"],
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
          isolate: false,
          // One more than there are cores: a good half of the tests mostly waits.
          maxWorkers: 3,
          sequence: { groupOrder: 0 }
        }
      },
      {
        // What they hold against a clock is held alone: two cores that also run other tests miss it.
        extends: true,
        test: { name: "clusters", include: [...clusterTests], maxWorkers: 1, sequence: { groupOrder: 1 } }
      }
    ]
  }
})
