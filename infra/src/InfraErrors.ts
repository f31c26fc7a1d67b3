import { Schema } from "effect"

/** A port of ours is held by a process that is not ours. */
export class PortTaken extends Schema.TaggedError<PortTaken>()("PortTaken", {
  name: Schema.String,
  port: Schema.Int,
  holder: Schema.NullOr(Schema.String),
  portBase: Schema.Int
}) {
  override get message() {
    const holder = this.holder === null ? "another program" : this.holder
    return (
      `Port ${this.port} (${this.name}) is taken by ${holder}. Stop it, or use other ports: ` +
      `HALLES_PORT_BASE=${this.portBase + 200} npm start`
    )
  }
}

/** A port of ours is one that no browser and no `fetch` calls. */
export class PortBlocked extends Schema.TaggedError<PortBlocked>()("PortBlocked", {
  name: Schema.String,
  port: Schema.Int,
  portBase: Schema.Int
}) {
  override get message() {
    return (
      `Port ${this.port} (${this.name}) is one that browsers and fetch refuse to call. Use other ports: ` +
      `HALLES_PORT_BASE=${this.portBase + 200} npm start`
    )
  }
}

/** A server was found in none of the ways there are; `tried` says why, one reason a way. */
export class ServerMissing extends Schema.TaggedError<ServerMissing>()("ServerMissing", {
  server: Schema.Literals(["postgres", "nats", "redis", "chromium"]),
  tried: Schema.Array(Schema.String)
}) {
  override get message() {
    return (
      `No ${this.server} server: ${this.tried.join("; ")}.\n` +
      "Install postgresql (15 or newer), nats-server (2.9 or newer) and redis-server, or run\n" +
      "  docker compose -f infra/compose.yaml up -d\nand set the three addresses that infra/compose.yaml shows."
    )
  }
}

/** A program that runs to its end ended badly. */
export class CommandFailed extends Schema.TaggedError<CommandFailed>()("CommandFailed", {
  command: Schema.String,
  code: Schema.NullOr(Schema.Int),
  output: Schema.String
}) {
  override get message() {
    return `${this.command} failed (${this.code === null ? "did not start" : `exit ${this.code}`})\n${this.output.trim()}`
  }
}

/** A process of the cluster did not become healthy. */
export class ProcessFailed extends Schema.TaggedError<ProcessFailed>()("ProcessFailed", {
  name: Schema.String,
  reason: Schema.String,
  log: Schema.String,
  tail: Schema.String
}) {
  override get message() {
    return `${this.name} ${this.reason}. The end of ${this.log}:\n${this.tail}\nAfter mending the cause: npm start`
  }
}

/** A server whose address was given does not answer as it should. */
export class ServerUnreachable extends Schema.TaggedError<ServerUnreachable>()("ServerUnreachable", {
  server: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The ${this.server} server at the address in the environment: ${this.reason}. Start it, or correct the address and its login.`
  }
}

/** The supervisor gave up; the reason is its own words. */
export class StartFailed extends Schema.TaggedError<StartFailed>()("StartFailed", {
  reason: Schema.String
}) {
  override get message() {
    return `the start failed, and everything that had started is stopped again.\n${this.reason}`
  }
}

/** A command that needs a running cluster found none. */
export class NotRunning extends Schema.TaggedError<NotRunning>()("NotRunning", {}) {
  override get message() {
    return "nothing is running. npm start starts the cluster."
  }
}

/** The state directory cannot be used as it is. */
export class StateUnusable extends Schema.TaggedError<StateUnusable>()("StateUnusable", {
  path: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.reason}`
  }
}

/** Another live process holds the state directory. */
export class AlreadyRunning extends Schema.TaggedError<AlreadyRunning>()("AlreadyRunning", {
  path: Schema.String,
  pid: Schema.Int
}) {
  override get message() {
    return `${this.path} is in use by process ${this.pid}. npm run status shows it, npm stop stops it.`
  }
}

/** A server could not be set up over its connection: a wrong password, a missing right, a failed migration. */
export class ProvisionFailed extends Schema.TaggedError<ProvisionFailed>()("ProvisionFailed", {
  database: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    return `Setting up the database ${this.database} failed: ${causeText(this.cause)}`
  }
}

/** A database was made by a version whose tables are others: ours would find nothing where it looks. */
export class MadeByOtherVersion extends Schema.TaggedError<MadeByOtherVersion>()("MadeByOtherVersion", {
  database: Schema.String,
  directory: Schema.String
}) {
  override get message() {
    return (
      `The database ${this.database} was made by another version of Halles, whose tables are not those of this one. ` +
      `Start that version, or begin anew without its data: remove ${this.directory}, ` +
      "and on a Postgres server of your own the databases halles_eu, halles_am, halles_ap and halles_control."
    )
  }
}

/** The demo catalogue was not accepted by the edge. */
export class SeedFailed extends Schema.TaggedError<SeedFailed>()("SeedFailed", {
  reason: Schema.String
}) {
  override get message() {
    return `The demo catalogue was not written: ${this.reason}. The cluster runs; npm start again repeats it.`
  }
}

/** The messages of an error and of what caused it, outermost first. */
const causeText = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause === undefined ? cause.message : `${cause.message}: ${causeText(cause.cause)}`
}
