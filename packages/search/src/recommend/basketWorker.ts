import { parentPort, workerData } from "node:worker_threads"
import { learn } from "./Lessons.ts"

/** The thread in which `Recommending.ts` learns from baskets. */
parentPort?.postMessage(learn(workerData as ReadonlyArray<ReadonlyArray<string>>))
