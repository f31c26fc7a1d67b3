import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/** The checkout that this file is part of. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** All that we write is below it. */
export const halles = join(root, ".halles")

/** Where one cluster keeps everything that it writes, and the first of its ports. Two layouts that differ in both never meet. */
export interface Layout {
  readonly directory: string
  readonly portBase: number
}

/** The layout of `npm start`. */
export const main = (portBase: number): Layout => ({ directory: halles, portBase })

/** What starts servers or a whole cluster of its own, in a directory of its name, and how far its ports are from those of `npm start`. */
const offsets = { test: 40, e2e: 50, bench: 100, chaos: 20, load: 130, fuzz: 20 } as const
export type Name = keyof typeof offsets
export const of = (name: Name, portBase: number): Layout => ({
  directory: join(halles, name),
  portBase: portBase + offsets[name]
})

/** Server programs brought by us, shared by all layouts of the checkout. */
export const servers = join(halles, "servers")
/** Package lists and downloads of the system's package manager, apart from the machine's own. */
export const apt = join(halles, "apt")

/** Compiled programs, for Node: a runner that is started again after a kill serves a third sooner. */
export const compiled = join(halles, "compiled")

/** What Vite makes of the operators' page, and the operator process serves. */
export const dashboard = join(root, "packages", "dashboard", "dist")

export const stateFile = (layout: Layout): string => join(layout.directory, "cluster.json")
export const lockFile = (layout: Layout): string => join(layout.directory, "lock")
export const secretsFile = (layout: Layout): string => join(layout.directory, "secrets.json")
export const logFile = (layout: Layout, name: string): string => join(layout.directory, "logs", `${name}.log`)
/** Who signed in with `halles login`. */
export const operatorFile = (layout: Layout): string => join(layout.directory, "operator.json")
/** Pictures, videos and documents, and what was made of them. */
export const mediaDirectory = (layout: Layout): string => join(layout.directory, "media")
/** Where the local mail server leaves what our programs send. */
export const mailDirectory = (layout: Layout): string => join(layout.directory, "mail")
export const certificateFile = (layout: Layout): string => join(layout.directory, "tls", "certificate.pem")
export const certificateKeyFile = (layout: Layout): string => join(layout.directory, "tls", "key.pem")
export const gatewayFile = (layout: Layout): string => join(layout.directory, "gateway.jsonl")
/** The snapshot of what searches a region. */
export const searchFile = (layout: Layout, region: string): string =>
  join(layout.directory, "search", `${region}.sqlite`)
export const carrierFile = (layout: Layout): string => join(layout.directory, "carrier.jsonl")
