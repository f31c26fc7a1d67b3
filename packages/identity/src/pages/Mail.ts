import { Context, Effect, Layer, Queue, Redacted, Schedule } from "effect"
import { createTransport } from "nodemailer"

export interface Message {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** Messages that wait for the mail server; what comes when the queue is full is dropped and logged: people ask again. */
const waitingMax = 1_000
/** Tries of one message: after 1, 2, 4 and 8 s. Then it is dropped and logged. */
const tries = { schedule: Schedule.exponential("1 second"), times: 4 }

/**
 * Mail by SMTP, sent behind the answer: how long the mail server takes tells nobody whether an account exists.
 */
export class Mail extends Context.Service<Mail, { readonly send: (message: Message) => Effect.Effect<void> }>()(
  "@halles/identity/Mail"
) {
  static readonly layer = (options: { readonly smtpUrl: Redacted.Redacted; readonly from: string }) =>
    Layer.effect(
      Mail,
      Effect.gen(function* () {
        const transport = createTransport(Redacted.value(options.smtpUrl), {
          from: options.from,
          disableFileAccess: true,
          disableUrlAccess: true
        })
        yield* Effect.addFinalizer(() => Effect.sync(() => transport.close()))
        const waiting = yield* Queue.dropping<Message>(waitingMax)
        yield* Queue.take(waiting).pipe(
          Effect.flatMap((message) =>
            Effect.tryPromise(() => transport.sendMail(message)).pipe(
              Effect.retry(tries),
              // Neither the address nor the text: the one is personal, the other has a secret in it.
              Effect.catch((error) =>
                Effect.logError("a mail was not sent", { subject: message.subject, cause: String(error.cause) })
              )
            )
          ),
          Effect.forever,
          Effect.forkScoped
        )
        return {
          send: (message) =>
            Effect.flatMap(Queue.offer(waiting, message), (taken) =>
              taken ? Effect.void : Effect.logError("a mail was dropped: too many wait", { subject: message.subject })
            )
        }
      })
    )
}
