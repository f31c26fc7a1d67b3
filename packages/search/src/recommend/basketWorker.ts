import { parentPort, workerData } from "node:worker_threads"
import { learn } from "./BasketModel.ts"

parentPort?.postMessage(learn(workerData as ReadonlyArray<ReadonlyArray<string>>))
