import { availableParallelism, cpus, totalmem } from "node:os"

/** The machine, as a reader of figures must know it. */
export const machine = (): string =>
  `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? "unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`
