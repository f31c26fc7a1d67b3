import { Schema } from "effect"

/** The edge understood the request and said no; sending it again would be answered the same. */
export class Refused extends Schema.TaggedError<Refused>()("Refused", {
  request: Schema.String,
  status: Schema.Int,
  code: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.request}: ${this.status} ${this.code}: ${this.detail}`
  }
}

/** The edge did not answer, or only with "later", for longer than any outage that a replay sits out. */
export class EdgeLost extends Schema.TaggedError<EdgeLost>()("EdgeLost", {
  request: Schema.String,
  seconds: Schema.Int,
  last: Schema.String
}) {
  override get message(): string {
    return `${this.request}: no answer for ${this.seconds} s of retries; the last one: ${this.last}`
  }
}

/** An order that was cancelled, or a return that was refused: the shop lost a sale that it should have made. */
export class Unfulfilled extends Schema.TaggedError<Unfulfilled>()("Unfulfilled", {
  what: Schema.String,
  status: Schema.String
}) {
  override get message(): string {
    return `${this.what}: ${this.status}`
  }
}

/** So many invoices failed that going on would only hide why. */
export class TooManyFailures extends Schema.TaggedError<TooManyFailures>()("TooManyFailures", {
  failures: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `stopped after ${this.failures.length} failures, the first of them:\n  ${this.failures.slice(0, 20).join("\n  ")}`
  }
}

/** `--run` named a run of another file or other options. */
export class OtherRun extends Schema.TaggedError<OtherRun>()("OtherRun", { run: Schema.String, file: Schema.String }) {
  override get message(): string {
    return `run ${this.run} is of another file or --limit (see ${this.file}); leave --run away to start a new one`
  }
}

/** The replay ran to its end and the shop's books do not match the invoices. */
export class NotReconciled extends Schema.TaggedError<NotReconciled>()("NotReconciled", { mismatches: Schema.Int }) {
  override get message(): string {
    return `${this.mismatches} mismatches or failures`
  }
}
