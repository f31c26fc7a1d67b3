import { MediaId } from "@halles/entities/media/Media"
import { ContentHash } from "@halles/entities/media/MediaContent"
import { Console, Effect } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { HttpClientRequest } from "effect/http"
import { output, printList, tree } from "../inspector/Output.ts"
import { bytesOf, get as got, given, Item, Items, read, region, sent } from "./EdgeCall.ts"

const upload = Command.make(
  "upload",
  {
    file: Argument.String("file").pipe(Argument.withDescription("A picture, a video or a PDF")),
    region,
    alt: Flag.String("alt").pipe(Flag.withDescription("What it shows, for people who cannot see it"), Flag.optional),
    language: Flag.String("language").pipe(Flag.withDescription("Language of --alt; en by default"), Flag.optional)
  },
  ({ alt, file, language, region }) =>
    Effect.gen(function* () {
      const bytes = yield* bytesOf(file)
      const response = yield* sent((url) =>
        HttpClientRequest.post(`${url}/media`).pipe(
          HttpClientRequest.setUrlParams([["region", region], ...given({ alt, language })]),
          HttpClientRequest.bodyStream(bytes, { contentType: "application/octet-stream" })
        )
      )
      yield* Console.log(tree(yield* read(response, Item)))
    })
).pipe(
  Command.withDescription(
    "Upload a file; its bytes decide its type. Prints its id, its addresses, and the ids of files with the same content"
  ),
  Command.withShortDescription("Upload a picture, a video or a PDF"),
  Command.withExamples([{ command: 'halles media upload tin.jpg --alt "A tin of green tea"' }])
)

const get = Command.make(
  "get",
  { id: Argument.String("id").pipe(Argument.withSchema(MediaId), Argument.withDescription("Its id")) },
  ({ id }) =>
    Effect.gen(function* () {
      yield* Console.log(tree(yield* got(`/media/${id}`, [], Item)))
    })
).pipe(
  Command.withDescription("Print the public view of a file, with its addresses"),
  Command.withExamples([{ command: "halles media get eu_Vt3vXr8Kd0ZtWbYp5nLc2A" }])
)

const list = Command.make(
  "list",
  {
    region,
    hash: Flag.String("hash").pipe(
      Flag.withSchema(ContentHash),
      Flag.withDescription("Only files with this content"),
      Flag.optional
    ),
    output
  },
  ({ hash, output, region }) =>
    Effect.gen(function* () {
      const { items } = yield* got("/media", [["region", region], ...given({ hash })], Items)
      yield* printList(output, items, ["id", "status", "content", "usedBy", "alt"], ({ id }) => String(id))
    })
).pipe(
  Command.withDescription("List the newest pictures, videos and documents of a region"),
  Command.withExamples([{ command: "halles media list --region eu -o ids" }])
)

export const media = Command.make("media").pipe(
  Command.withDescription("Upload pictures, videos and documents, and list them"),
  Command.withSubcommands([upload, list, get])
)
