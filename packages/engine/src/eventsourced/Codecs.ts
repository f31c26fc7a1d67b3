import { Schema } from "effect"

interface Codecs<Event> {
  readonly decodeEvents: (stored: unknown) => ReadonlyArray<Event>
  readonly encodeEvents: (events: ReadonlyArray<Event>) => ReadonlyArray<unknown>
}

const known = new WeakMap<object, Codecs<unknown>>()

/** Of a row of a model's events. Made once a process: a schema that is made anew is compiled anew. */
export const codecsOf = <Event>(model: { readonly Event: Schema.Codec<Event, unknown> }): Codecs<Event> => {
  let codecs = known.get(model.Event)
  if (codecs === undefined) {
    const list = Schema.Array(model.Event)
    codecs = { decodeEvents: Schema.decodeUnknownSync(list), encodeEvents: Schema.encodeSync(list) } as Codecs<unknown>
    known.set(model.Event, codecs)
  }
  return codecs as Codecs<Event>
}
