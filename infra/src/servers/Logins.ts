import type { Region } from "@halles/shared/Region"
import { runnerPlaces } from "../cluster/Regions.ts"
import type { Secrets } from "./Secrets.ts"

export type Database = Region | "control"
export type Role =
  | "halles_owner"
  | `halles_runner_${Region}`
  | "halles_edge"
  | "halles_identity"
  | "halles_webhooks"
  | "halles_ops"
  | "halles_search"
  | "halles_reader"
  | "halles_auditor"

/** A role that signs in to Postgres, and what keeps it from taking more than its share. */
export interface Login {
  readonly password: string
  /** The databases that let it in. */
  readonly databases: ReadonlyArray<Database>
  /** Sessions at a time on one server: whoever has a password may fill no more than this. */
  readonly connectionsMax: number
  /** Roles without a password of their own whose rights it has. */
  readonly memberOf?: string
  /** Where a table without a schema is looked for first. */
  readonly searchPath?: string
  /** A statement, a wait for a lock, and a transaction in which nothing happens are ended after this. */
  readonly statementMax: string
  readonly lockMax: string
  readonly idleInTransactionMax: string
  /** What one session's sorts and hashes may take of the disk, where it is less than the server's own limit. */
  readonly tempFilesMax?: string
}

/** Sessions of one runner: pool, the watcher of event-loop stalls. Three more than are there may come, one after the other or together. */
const sessionsOfRunner = 24
const runnersMore = 3
const runnerSessions = (region: Region): number =>
  sessionsOfRunner * (runnersMore + runnerPlaces().filter((place) => place.region === region).length)

const everywhere: ReadonlyArray<Database> = ["eu", "am", "ap", "control"]
const usual = { statementMax: "30s", lockMax: "5s", idleInTransactionMax: "10s" }

/** A runner's login leads to the journal of its own region, and to the placement of shards. */
const runner = (region: Region, password: string): Login => ({
  ...usual,
  password,
  databases: [region, "control"],
  connectionsMax: runnerSessions(region),
  memberOf: "halles_runner",
  // The history that a read table is rebuilt from is long.
  statementMax: "2min"
})

export const logins = (secrets: Secrets): Readonly<Record<Role, Login>> => ({
  halles_owner: {
    password: secrets.pgOwner,
    databases: everywhere,
    connectionsMax: 8,
    statementMax: "10min",
    lockMax: "10s",
    idleInTransactionMax: "60s"
  },
  halles_runner_eu: runner("eu", secrets.pgRunnerEu),
  halles_runner_am: runner("am", secrets.pgRunnerAm),
  halles_runner_ap: runner("ap", secrets.pgRunnerAp),
  halles_edge: { ...usual, password: secrets.pgEdge, databases: everywhere, connectionsMax: 64 },
  halles_identity: { ...usual, password: secrets.pgIdentity, databases: ["control"], connectionsMax: 24 },
  halles_webhooks: { ...usual, password: secrets.pgWebhooks, databases: ["control"], connectionsMax: 16 },
  halles_ops: { ...usual, password: secrets.pgOps, databases: everywhere, connectionsMax: 24 },
  // Where a person is at the keyboard: personal data is hidden (`MaskedViews.ts`).
  halles_reader: {
    ...usual,
    password: secrets.pgReader,
    databases: everywhere,
    connectionsMax: 24,
    lockMax: "2s",
    searchPath: "masked, public",
    tempFilesMax: "128MB"
  },
  halles_search: {
    ...usual,
    password: secrets.pgSearch,
    databases: ["eu", "am", "ap"],
    connectionsMax: 24,
    searchPath: "masked, public"
  },
  // For our own proofs, never for what is typed: they read every history and the audit log as they are.
  halles_auditor: {
    password: secrets.pgAuditor,
    databases: everywhere,
    connectionsMax: 8,
    statementMax: "1h",
    lockMax: "2s",
    idleInTransactionMax: "60s"
  }
})

/** What a server of ours has room for: every login to its limit, and administrators. */
export const connectionsMax = (secrets: Secrets): number =>
  Object.values(logins(secrets)).reduce((sum, login) => sum + login.connectionsMax, 20)
