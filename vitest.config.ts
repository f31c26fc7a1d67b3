import { defineConfig } from "vitest/config"
import { clusterTests } from "./infra/src/programs/ClusterTests.ts"

// Servers come from `npm test`, which hands their addresses over in HALLES_TEST_*.
export default defineConfig({
  test: {
    pool: "forks",
    // As our own processes have it: with Node's 16 MB of young memory, copying what outlives a collection was a tenth of the work.
    execArgv: ["--max-semi-space-size=64"],
    // Ends a test that hangs, on a busy machine too. No test asserts a time by it.
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
          exclude: ["**/node_modules/**", ...clusterTests],
          // Files of one worker share its modules: what each imports is loaded and compiled once. None leaves anything in them.
          isolate: false,
          // More than there are cores: most of the slow ones wait.
          maxWorkers: 5,
          sequence: { groupOrder: 0 }
        }
      },
      {
        // These assert how fast a cluster is, so no other test may use the cores meanwhile.
        extends: true,
        test: { name: "clusters", include: [...clusterTests], maxWorkers: 2, sequence: { groupOrder: 1 } }
      }
    ]
  }
})
